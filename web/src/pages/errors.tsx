// Pages for what should not happen: no such page, a page that broke.
import { Button, Text } from '@fluentui/react-components'
import { ApiError } from '../api/client'
import { Fault } from '../parts/Guard'
import { Link } from '../parts/Link'
import { Page } from '../parts/Page'
import { paths } from '../paths'

export const NotFound = () => (
  <Page title="There is no such page">
    <Text>
      The address may be old, or the thing it named was deleted. <Link to={paths.home()}>Go home</Link>, or
      press Ctrl+K and type a few letters of what you look for.
    </Text>
  </Page>
)

export const Broken = ({ error, reset }: { error: unknown; reset: () => void }) => {
  if (error instanceof ApiError) return <Page title="The page cannot be shown"><Fault error={error} again={reset} /></Page>
  return (
    <Page title="This page broke">
      <Fault error={error} />
      <div><Button onClick={() => window.location.reload()}>Load it again</Button></div>
    </Page>
  )
}
