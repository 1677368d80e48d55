// Roles that somebody holds, each on everything or on one server or key vault.
import { Button, Field, Select, Text, Tooltip, makeStyles, tokens } from '@fluentui/react-components'
import { AddRegular, DeleteRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { keyvaultsQuery, serversQuery } from '../../api/queries'
import type { Assignment } from '../../api/types'
import { rolesQuery } from './api'
import { ROLE_NAMES, assignmentsComplaint } from './model'

const useStyles = makeStyles({
  list: { display: 'grid', gap: '10px' },
  line: { display: 'grid', gridTemplateColumns: '1fr 1fr auto', gap: '8px', alignItems: 'end' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

interface Props {
  assignments: Assignment[]
  onChange: (assignments: Assignment[]) => void
  /** What an empty list means. */
  none: string
}

export const RolesEditor = ({ assignments, onChange, none }: Props) => {
  const s = useStyles()
  const roles = useQuery(rolesQuery)
  const servers = useQuery(serversQuery)
  const vaults = useQuery(keyvaultsQuery)
  const names = roles.data?.map(({ name }) => name) ?? ROLE_NAMES
  const scopes = [
    { value: '/', text: 'everything' },
    ...(servers.data ?? []).map(({ name }) => ({ value: `/servers/${name}`, text: `server ${name}` })),
    ...(vaults.data ?? []).map(({ name }) => ({ value: `/keyvaults/${name}`, text: `key vault ${name}` })),
  ]
  const set = (index: number, part: Partial<Assignment>) =>
    onChange(assignments.map((one, at) => (at === index ? { ...one, ...part } : one)))
  const wrong = assignmentsComplaint(assignments)
  return (
    <div className={s.list} role="group" aria-label="Roles">
      <Text weight="semibold">Roles</Text>
      {assignments.map((one, index) => {
        const n = index + 1
        const known = scopes.some(({ value }) => value === one.scope)
        const about = roles.data?.find(({ name }) => name === one.role)?.description
        return (
          <div key={index}>
            <div className={s.line}>
              <Field label={`Role ${n}`} size="small">
                <Select value={one.role} onChange={(_, data) => set(index, { role: data.value })}>
                  {names.map((name) => <option key={name}>{name}</option>)}
                </Select>
              </Field>
              <Field label="On" size="small">
                <Select value={one.scope} onChange={(_, data) => set(index, { scope: data.value })}>
                  {!known && <option value={one.scope}>{one.scope}</option>}
                  {scopes.map(({ value, text }) => <option key={value} value={value}>{text}</option>)}
                </Select>
              </Field>
              <Tooltip content={`Remove role ${n}`} relationship="label">
                <Button
                  size="small"
                  appearance="subtle"
                  icon={<DeleteRegular />}
                  onClick={() => onChange(assignments.filter((_, at) => at !== index))}
                />
              </Tooltip>
            </div>
            {about && <Text size={200} className={s.quiet}>{about}</Text>}
          </div>
        )
      })}
      {assignments.length === 0 && <Text size={200} className={s.quiet}>{none}</Text>}
      {wrong && <Text role="alert">{wrong}</Text>}
      <div>
        <Button
          size="small"
          icon={<AddRegular />}
          onClick={() => onChange([...assignments, { role: names.at(-1) ?? 'reader', scope: '/' }])}
        >
          Add a role
        </Button>
      </div>
    </div>
  )
}
