// 403 in words: which role would be needed, and who can give it.
import { Text, makeStyles, tokens } from '@fluentui/react-components'
import { ShieldKeyholeRegular } from '@fluentui/react-icons'
import { useSession } from '../api/queries'
import type { ApiFault } from '../api/types'
import { sentences } from '../format'

const useStyles = makeStyles({
  root: {
    display: 'grid', gap: '8px', padding: '28px 24px', maxWidth: '72ch',
    border: `1px solid ${tokens.colorNeutralStroke1}`, borderRadius: tokens.borderRadiusLarge,
  },
  icon: { fontSize: '32px', color: tokens.colorBrandForeground1, lineHeight: 1 },
  quiet: { color: tokens.colorNeutralForeground2 },
})

export const Forbidden = ({ fault }: { fault: ApiFault }) => {
  const s = useStyles()
  const { data } = useSession()
  const roles = data?.assignments.map(({ role, scope }) => (scope === '/' ? role : `${role} on ${scope}`))
  return (
    <div className={s.root} role="alert">
      <span className={s.icon} aria-hidden><ShieldKeyholeRegular /></span>
      <Text as="h2" weight="semibold" size={400} style={{ margin: 0 }}>You may not see or do this</Text>
      <Text>{fault.detail ?? sentences(fault.message)}</Text>
      {data && (
        <Text className={s.quiet}>
          You are signed in as {data.name}, with {roles?.length ? roles.join(', ') : 'no role'}.{' '}
          {sentences(fault.hint ?? 'an owner gives roles: Settings, Users')}
        </Text>
      )}
      {fault.request_id && <Text size={200} className={s.quiet}>Request {fault.request_id}</Text>}
    </div>
  )
}
