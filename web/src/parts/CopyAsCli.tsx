// Every action as a line for a shell: pgkeep's own, and curl's.
import {
  Button, Popover, PopoverSurface, PopoverTrigger, Text, makeStyles, tokens,
} from '@fluentui/react-components'
import { CodeRegular } from '@fluentui/react-icons'
import { shell } from '../format'
import { CodeBlock } from './Copy'

export interface CliLine {
  title: string
  /** `pgkeep server start -n demo`; none when only the API can do it. */
  cli?: string | undefined
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined
  /** Below /api/v1. */
  path: string
  body?: unknown
}

/** The curl line of an API call; the token stays in the environment. */
export const curlLine = ({ method = 'GET', path, body }: CliLine, origin = window.location.origin): string => {
  const parts = ['curl', '--cacert ca.pem', '-H "Authorization: Bearer $PGKEEP_TOKEN"']
  if (method !== 'GET') parts.push(`-X ${method}`)
  if (body !== undefined) parts.push("-H 'content-type: application/json'", `-d ${shell(JSON.stringify(body))}`)
  parts.push(shell(`${origin}/api/v1${path}`))
  return parts.join(' ')
}

const useStyles = makeStyles({
  surface: { width: 'min(640px, 90vw)', maxHeight: '70vh', overflowY: 'auto', padding: '16px 20px' },
  part: { display: 'grid', gap: '6px', paddingTop: '12px', ':first-child': { paddingTop: 0 } },
  button: { fontWeight: tokens.fontWeightRegular },
  hint: { color: tokens.colorNeutralForeground2, display: 'block', paddingTop: '12px' },
})

export const CopyAsCli = ({ lines, label = 'Copy as CLI' }: { lines: CliLine[]; label?: string }) => {
  const s = useStyles()
  return (
    <Popover trapFocus positioning="below-end">
      <PopoverTrigger disableButtonEnhancement>
        <Button appearance="subtle" className={s.button} icon={<CodeRegular />}>{label}</Button>
      </PopoverTrigger>
      <PopoverSurface className={s.surface} aria-label={label}>
        {lines.map((line) => (
          <div key={line.title} className={s.part}>
            <Text weight="semibold">{line.title}</Text>
            {line.cli && <CodeBlock wrap text={line.cli} label={`command line: ${line.title}`} />}
            <CodeBlock wrap text={curlLine(line)} label={`curl: ${line.title}`} />
          </div>
        ))}
        <Text size={200} className={s.hint}>
          ca.pem lies in pgkeep's home and at Settings, About. A token: pgkeep token create --role reader
        </Text>
      </PopoverSurface>
    </Popover>
  )
}
