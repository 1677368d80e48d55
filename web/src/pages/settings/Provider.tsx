// A provider of OpenID Connect, and what its groups are given.
import { Button, Field, Input, Select, Text, Textarea, Tooltip, makeStyles, tokens } from '@fluentui/react-components'
import { AddRegular, DeleteRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { keyvaultsQuery, serversQuery } from '../../api/queries'
import { Card } from '../../parts/Page'
import { rolesQuery } from './api'
import { ROLE_NAMES } from './model'
import type { GroupRole, OidcSettings } from './signIn'

const useStyles = makeStyles({
  card: { display: 'grid', gap: '20px' },
  grid: {
    display: 'grid', gap: '16px 32px', alignItems: 'start',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(260px, 100%), 1fr))',
  },
  groups: { display: 'grid', gap: '10px' },
  line: { display: 'grid', gridTemplateColumns: '2fr 1fr 1fr auto', gap: '8px', alignItems: 'end' },
  quiet: { color: tokens.colorNeutralForeground2 },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
})

interface Props {
  oidc: OidcSettings
  onChange: (oidc: OidcSettings) => void
  wrong: Record<string, string>
}

export const Provider = ({ oidc, onChange, wrong }: Props) => {
  const s = useStyles()
  const set = (part: Partial<OidcSettings>) => onChange({ ...oidc, ...part })
  const said = (field: string) =>
    wrong[field] ? ({ validationState: 'error', validationMessage: wrong[field] } as const) : {}
  return (
    <Card>
      <div className={s.card}>
        <div className={s.grid}>
          <Field label="What the button says" {...said('label')}>
            <Input value={oidc.label} onChange={(_, data) => set({ label: data.value })} />
          </Field>
          <Field label="Issuer" required hint="Its configuration is read from there." {...said('issuer')}>
            <Input
              type="url"
              value={oidc.issuer}
              placeholder="https://id.example.org/realms/main"
              spellCheck={false}
              onChange={(_, data) => set({ issuer: data.value })}
            />
          </Field>
          <Field label="Client id" required {...said('client_id')}>
            <Input value={oidc.client_id} spellCheck={false} autoComplete="off" onChange={(_, data) => set({ client_id: data.value })} />
          </Field>
          <Field
            label="Client secret"
            hint={oidc.has_client_secret ? 'One is stored. Type another to replace it.' : 'Stored, never shown again.'}
          >
            <Input
              type="password"
              value={oidc.client_secret ?? ''}
              autoComplete="new-password"
              onChange={(_, data) => set({ client_secret: data.value })}
            />
          </Field>
          <Field label="Scopes" hint="Beside openid, separated by blanks.">
            <Input
              value={oidc.scopes.join(' ')}
              spellCheck={false}
              onChange={(_, data) => set({ scopes: data.value === '' ? [] : data.value.split(' ') })}
            />
          </Field>
          <Field label="Claim that holds the groups" {...said('groups_claim')}>
            <Input value={oidc.groups_claim} spellCheck={false} onChange={(_, data) => set({ groups_claim: data.value })} />
          </Field>
        </div>
        <Groups groups={oidc.groups} onChange={(groups) => set({ groups })} wrong={wrong.groups} />
        <Field label="Certificates to trust for it" hint="PEM; only when its authority is not one that this machine trusts.">
          <Textarea
            value={oidc.ca_pem ?? ''}
            resize="vertical"
            spellCheck={false}
            textarea={{ className: s.mono }}
            onChange={(_, data) => set({ ca_pem: data.value || null })}
          />
        </Field>
      </div>
    </Card>
  )
}

interface GroupsProps {
  groups: GroupRole[]
  onChange: (groups: GroupRole[]) => void
  wrong: string | undefined
}

const Groups = ({ groups, onChange, wrong }: GroupsProps) => {
  const s = useStyles()
  const roles = useQuery(rolesQuery)
  const servers = useQuery(serversQuery)
  const vaults = useQuery(keyvaultsQuery)
  const names = roles.data?.map(({ name }) => name) ?? ROLE_NAMES
  const scopes = [
    '/',
    ...(servers.data ?? []).map(({ name }) => `/servers/${name}`),
    ...(vaults.data ?? []).map(({ name }) => `/keyvaults/${name}`),
  ]
  const set = (index: number, part: Partial<GroupRole>) =>
    onChange(groups.map((one, at) => (at === index ? { ...one, ...part } : one)))
  return (
    <div className={s.groups} role="group" aria-label="Groups and their roles">
      <Text weight="semibold">Groups and their roles</Text>
      <Text size={200} className={s.quiet}>Whoever is in none of these groups may sign in and sees nothing.</Text>
      {groups.map((one, index) => (
        <div key={index} className={s.line}>
          <Field label={`Group ${index + 1}`} size="small">
            <Input value={one.group} spellCheck={false} onChange={(_, data) => set(index, { group: data.value })} />
          </Field>
          <Field label="Role" size="small">
            <Select value={one.role} onChange={(_, data) => set(index, { role: data.value })}>
              {names.map((name) => <option key={name}>{name}</option>)}
            </Select>
          </Field>
          <Field label="On" size="small">
            <Select value={one.scope} onChange={(_, data) => set(index, { scope: data.value })}>
              {!scopes.includes(one.scope) && <option>{one.scope}</option>}
              {scopes.map((scope) => <option key={scope} value={scope}>{scope === '/' ? 'everything' : scope}</option>)}
            </Select>
          </Field>
          <Tooltip content={`Remove group ${index + 1}`} relationship="label">
            <Button
              size="small"
              appearance="subtle"
              icon={<DeleteRegular />}
              onClick={() => onChange(groups.filter((_, at) => at !== index))}
            />
          </Tooltip>
        </div>
      ))}
      {wrong && <Text role="alert">{wrong}</Text>}
      <div>
        <Button size="small" icon={<AddRegular />} onClick={() => onChange([...groups, { group: '', role: 'reader', scope: '/' }])}>
          Add a group
        </Button>
      </div>
    </div>
  )
}
