// Who may do what with the keys of a vault.
import { Button, Combobox, Field, Option, Radio, RadioGroup, Select, Text, makeStyles, tokens } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { identitiesQuery } from '../../api/queries'
import { shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { DataTable } from '../../parts/DataTable'
import { DangerDialog, FormDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { keysQuery, rolesQuery } from './api'
import { KEY_ROLES, type RoleAssignment } from './model'
import { keyvaultCrumbs, keyvaultTabs } from '../../parts/tabs'

const schema = { create: flag }

export const RolesPage = ({ vault }: { vault: string }) => {
  const query = useQuery(rolesQuery(vault))
  const client = useQueryClient()
  const [search, setSearch] = useSearchParams(schema)
  const [removing, setRemoving] = useState<RoleAssignment>()
  const refresh = () => client.invalidateQueries({ queryKey: ['keyvaults', vault, 'roles'] })
  return (
    <Page
      title="Roles"
      crumbs={keyvaultCrumbs(vault)}
      tabs={keyvaultTabs(vault)}
      lead="What identities may do with the keys of this vault. Without a role nothing is allowed; a role holds from the next request on."
      actions={[
        { label: 'Give a role…', needs: 'role_assignment_create', icon: <AddRegular />, onClick: () => setSearch({ create: true }), primary: true },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void refresh() },
      ]}
      lines={[
        {
          title: 'List role assignments',
          cli: `pgkeep keyvault role-assignment list --vault-name ${shell(vault)}`,
          path: apiPath`/keyvaults/${vault}/role-assignments`,
        },
      ]}
    >
      <Guard query={query} what="Roles">
        {(rows) => (
          <DataTable
            name={`roles-${vault}`}
            noun="role assignment"
            rows={rows}
            rowId={(row) => row.id}
            sort="assignee"
            empty={
              <Empty
                title="Nobody holds a role here"
                text="A server needs an identity with the role “Key Vault Crypto Service Encryption User” on its key. Programs get the least role that lets them work."
                cli={`pgkeep keyvault role-assignment create --vault-name ${shell(vault)} --assignee app --role 'Key Vault Crypto Service Encryption User'`}
                actions={<Button appearance="primary" onClick={() => setSearch({ create: true })}>Give a role…</Button>}
              />
            }
            columns={[
              {
                id: 'assignee',
                title: 'Identity',
                value: (row) => row.assignee,
                cell: (row) => <Link to={paths.identity(row.assignee)}>{row.assignee}</Link>,
              },
              { id: 'role', title: 'Role', value: (row) => row.role },
              {
                id: 'scope',
                title: 'On',
                value: (row) => row.key ?? 'the whole vault',
                cell: (row) => (row.key ? <Link to={paths.key(vault, row.key)}>{row.key}</Link> : 'the whole vault'),
              },
              { id: 'created', title: 'Given', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} /> },
              { id: 'id', title: 'Id', value: (row) => row.id, mono: true, hidden: true },
              {
                id: 'do',
                title: 'Action',
                value: () => '',
                cell: (row) => (
                  <Button
                    size="small"
                    aria-label={`Take ${row.role} from ${row.assignee}`}
                    onClick={() => setRemoving(row)}
                  >
                    Take away…
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Guard>
      {search.create && <GiveRole vault={vault} onClose={() => setSearch({ create: false })} />}
      <DangerDialog
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title="Take this role away?"
        preview={
          removing && (
            <Text>
              {removing.assignee} loses “{removing.role}” on {removing.key ?? `the whole vault ${vault}`}. Its next
              request is refused; a server that needs it becomes Inaccessible within seconds.
            </Text>
          )
        }
        submit="Take away"
        run={async () => {
          if (!removing) return
          await api.delete(apiPath`/keyvaults/${vault}/role-assignments/${removing.id}`)
          await refresh()
        }}
        line={{
          title: 'Take the role away',
          cli: `pgkeep keyvault role-assignment delete --id ${removing?.id ?? 'ID'}`,
          method: 'DELETE',
          path: apiPath`/keyvaults/${vault}/role-assignments/${removing?.id ?? 'ID'}`,
        }}
      />
    </Page>
  )
}

const useStyles = makeStyles({
  role: { display: 'grid' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

const GiveRole = ({ vault, onClose }: { vault: string; onClose: () => void }) => {
  const s = useStyles()
  const client = useQueryClient()
  const identities = useQuery(identitiesQuery)
  const keys = useQuery(keysQuery(vault))
  const [assignee, setAssignee] = useState('')
  const [role, setRole] = useState<string>(KEY_ROLES[0].name)
  const [key, setKey] = useState('')
  const path = apiPath`/keyvaults/${vault}/role-assignments`
  const body = { assignee: assignee.trim(), role, ...(key ? { key } : {}) }
  const line: CliLine = {
    title: 'Give the role',
    cli: `pgkeep keyvault role-assignment create --vault-name ${shell(vault)} --assignee ${shell(assignee.trim() || 'IDENTITY')} --role ${shell(role)}${key ? ` --key ${shell(key)}` : ''}`,
    method: 'POST',
    path,
    body,
  }
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Give a role on ${vault}`}
      submit="Give role"
      ready={assignee.trim() !== ''}
      run={async () => {
        await api.post(path, body)
        await client.invalidateQueries({ queryKey: ['keyvaults', vault, 'roles'] })
      }}
      line={line}
    >
      <Field label="Identity" required hint="One of the list, or its client id or object id.">
        <Combobox
          freeform
          value={assignee}
          onChange={(event) => setAssignee(event.target.value)}
          onOptionSelect={(_, data) => setAssignee(data.optionText ?? '')}
        >
          {(identities.data ?? [])
            .filter(({ name }) => name.toLowerCase().includes(assignee.toLowerCase()))
            .map(({ name }) => <Option key={name}>{name}</Option>)}
        </Combobox>
      </Field>
      <Field label="Role">
        <RadioGroup value={role} onChange={(_, data) => setRole(data.value)}>
          {KEY_ROLES.map(({ name, text }) => (
            <Radio
              key={name}
              value={name}
              label={
                <span className={s.role}>
                  {name}
                  <Text size={200} className={s.quiet}>{text}</Text>
                </span>
              }
            />
          ))}
        </RadioGroup>
      </Field>
      <Field label="On" hint="The narrower the better.">
        <Select value={key} onChange={(_, data) => setKey(data.value)}>
          <option value="">the whole vault</option>
          {(keys.data ?? []).map(({ name }) => <option key={name} value={name}>{name}</option>)}
        </Select>
      </Field>
    </FormDialog>
  )
}
