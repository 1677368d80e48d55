// Who is signed in, with which roles, and the way out.
import {
  Button, Divider, Popover, PopoverSurface, PopoverTrigger, Text, Tooltip, makeStyles, tokens,
} from '@fluentui/react-components'
import { PasswordRegular, PersonRegular, SignOutRegular } from '@fluentui/react-icons'
import { useQueryClient } from '@tanstack/react-query'
import { Suspense, lazy, useState } from 'react'
import { api } from '../api/client'
import { useSession } from '../api/queries'
import { useGo } from '../parts/Link'
import { Time } from '../parts/Time'
import { paths } from '../paths'
import { jobs } from './jobs'
import { clearNotes, notifyFault } from './notify'

const MyPassword = lazy(async () => ({ default: (await import('../pages/settings/MyPassword')).MyPassword }))

const useStyles = makeStyles({
  surface: { display: 'grid', gap: '8px', minWidth: '240px', padding: '16px' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

export const useSignOut = () => {
  const client = useQueryClient()
  const go = useGo()
  return async () => {
    try {
      await api.delete('/session')
    } catch (error) {
      return notifyFault('Signing out failed', error)
    }
    // First away from the page: what is on it would ask again, and be refused.
    go(paths.signIn())
    window.setTimeout(() => {
      client.clear()
      jobs.set([])
      clearNotes()
    })
  }
}

export const PersonMenu = () => {
  const s = useStyles()
  const { data } = useSession()
  const signOut = useSignOut()
  const [open, setOpen] = useState(false)
  const [changing, setChanging] = useState(false)
  const change = () => {
    setOpen(false)
    setChanging(true)
  }
  return (
    <>
    <Popover trapFocus positioning="below-end" open={open} onOpenChange={(_, next) => setOpen(next.open)}>
      <PopoverTrigger disableButtonEnhancement>
        <Tooltip content={data ? `Signed in as ${data.name}` : 'You'} relationship="label">
          <Button appearance="subtle" icon={<PersonRegular />} />
        </Tooltip>
      </PopoverTrigger>
      <PopoverSurface className={s.surface} aria-label="You">
        <Text weight="semibold" size={400}>{data?.name}</Text>
        {data?.assignments.map(({ role, scope }) => (
          <Text key={role + scope} className={s.quiet}>{role}{scope === '/' ? '' : ` on ${scope}`}</Text>
        ))}
        {data?.expires_at && <Text size={200} className={s.quiet}>Session until <Time at={data.expires_at} /></Text>}
        <Divider />
        {data?.kind === 'user' && <Button icon={<PasswordRegular />} onClick={change}>Change password…</Button>}
        <Button icon={<SignOutRegular />} onClick={() => void signOut()}>Sign out</Button>
      </PopoverSurface>
    </Popover>
    {changing && data && (
      <Suspense>
        <MyPassword name={data.name} onClose={() => setChanging(false)} />
      </Suspense>
    )}
    </>
  )
}
