// One identity: who it is, what it may do, and how a program becomes it.
import { Text } from '@fluentui/react-components'
import {
  ArrowClockwiseRegular, DeleteRegular, EditRegular, KeyResetRegular, PauseRegular, PlayRegular,
} from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, call } from '../../api/client'
import { all } from '../../api/queries'
import { shell } from '../../format'
import { CopyValue } from '../../parts/Copy'
import type { CliLine } from '../../parts/CopyAsCli'
import { DataTable } from '../../parts/DataTable'
import { DangerDialog, FormDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link, useGo } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { identityCrumbs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import type { KeyVault, RoleAssignment } from '../keyvaults/model'
import { Environment } from './Environment'
import { IdentityState } from './IdentitiesPage'
import { RulesForm } from './RulesForm'
import { type Identity, rulesBody, rulesComplaints, rulesFlags, rulesOf, rulesSentence } from './model'

const pathOf = (name: string) => apiPath`/identities/${name}`

/** Roles in all key vaults that the reader may see. */
const rolesOf = async (objectId: string, signal: AbortSignal) => {
  const vaults = await all<KeyVault>('/keyvaults', signal)
  const lists = await Promise.all(
    vaults.map(({ name }) => all<RoleAssignment>(apiPath`/keyvaults/${name}/role-assignments`, signal)),
  )
  return lists.flat().filter((role) => role.object_id === objectId)
}

export const IdentityPage = ({ name }: { name: string }) => {
  const query = useQuery({
    queryKey: ['identities', name],
    queryFn: ({ signal }) => call<Identity>('GET', pathOf(name), { signal }),
  })
  const identity = query.data?.data
  const roles = useQuery({
    queryKey: ['identities', name, 'roles', identity?.object_id],
    queryFn: ({ signal }) => rolesOf(identity?.object_id ?? '', signal),
    enabled: identity !== undefined,
  })
  const client = useQueryClient()
  const go = useGo()
  const [asking, setAsking] = useState<'rules' | 'enable' | 'secret' | 'delete'>()
  const close = () => setAsking(undefined)
  const refresh = () => client.invalidateQueries({ queryKey: ['identities'] })
  const update = async (body: object) => {
    await api.patch(pathOf(name), body, query.data?.etag)
    await refresh()
  }
  const enable = identity?.enabled === false
  const verb = enable ? 'Enable' : 'Disable'
  return (
    <Page
      title={name}
      badge={identity && <IdentityState enabled={identity.enabled} />}
      crumbs={identityCrumbs}
      actions={[
        { label: 'Change who it is…', needs: 'identity_update', icon: <EditRegular />, onClick: () => setAsking('rules') },
        {
          label: `${verb}…`,
          needs: 'identity_update',
          icon: enable ? <PlayRegular /> : <PauseRegular />,
          onClick: () => setAsking('enable'),
          line: updateLine(name, verb, `--enabled ${enable}`, { enabled: enable }),
        },
        { label: 'New secret…', needs: 'identity_update', icon: <KeyResetRegular />, onClick: () => setAsking('secret'), line: secretLine(name) },
        { label: 'Delete…', needs: 'identity_delete', icon: <DeleteRegular />, onClick: () => setAsking('delete'), line: deleteLine(name) },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void refresh() },
      ]}
      lines={[{ title: 'Show the identity', cli: `pgkeep identity show -n ${shell(name)}`, path: pathOf(name) }]}
      essentials={
        identity && [
          { name: 'Who it is', value: rulesSentence(identity) },
          { name: 'Client id', value: <CopyValue value={identity.client_id} label="client id" /> },
          { name: 'Object id', value: <CopyValue value={identity.object_id} label="object id" /> },
          { name: 'Tenant id', value: <CopyValue value={identity.tenant_id} label="tenant id" /> },
          { name: 'Resource id', value: <CopyValue value={identity.resource_id} label="resource id" /> },
          { name: 'Created', value: <Time at={identity.created_at} /> },
        ]
      }
    >
      <Guard query={query} what="Identity">
        {() => (
          <>
            <Section title="What it may do">
              <Guard query={roles} lines={3} what="Roles">
                {(rows) => (
                  <DataTable
                    name={`roles-of-${name}`}
                    noun="role"
                    rows={rows}
                    rowId={(row) => row.id}
                    empty={
                      <Empty
                        title="It may do nothing yet"
                        text="Give it a role at a key vault's page about roles; for a server, “Key Vault Crypto Service Encryption User” on its key is enough."
                        cli={`pgkeep keyvault role-assignment create --vault-name VAULT --assignee ${shell(name)} --role 'Key Vault Crypto Service Encryption User'`}
                      />
                    }
                    columns={[
                      {
                        id: 'vault',
                        title: 'Key vault',
                        value: (row) => row.vault,
                        cell: (row) => <Link to={paths.keyvaultRoles(row.vault)}>{row.vault}</Link>,
                      },
                      {
                        id: 'scope',
                        title: 'On',
                        value: (row) => row.key ?? 'the whole vault',
                        cell: (row) =>
                          row.key ? <Link to={paths.key(row.vault, row.key)}>{row.key}</Link> : 'the whole vault',
                      },
                      { id: 'role', title: 'Role', value: (row) => row.role },
                      { id: 'given', title: 'Given', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} /> },
                    ]}
                  />
                )}
              </Guard>
            </Section>
            <Environment name={name} />
          </>
        )}
      </Guard>
      {identity && asking === 'rules' && <ChangeRules identity={identity} update={update} onClose={close} />}
      <DangerDialog
        open={asking === 'enable'}
        onClose={close}
        title={`${verb} ${name}?`}
        preview={
          <Text>
            {enable
              ? 'It gets tokens again, and its requests are heard.'
              : 'It gets no more tokens, and requests with tokens that it has are refused at once. Servers that use it become Inaccessible within seconds.'}
          </Text>
        }
        {...(enable ? {} : { name })}
        submit={verb}
        run={() => update({ enabled: enable })}
        line={updateLine(name, verb, `--enabled ${enable}`, { enabled: enable })}
      />
      <DangerDialog
        open={asking === 'secret'}
        onClose={close}
        title={`A new secret for ${name}?`}
        preview={
          <Text>
            IDENTITY_HEADER is made anew. Programs that were started with the old one get no more tokens until they are
            started with the new one. Processes known by OS user or unit notice nothing.
          </Text>
        }
        submit="Make a new secret"
        run={async () => {
          await update({ rotate_header: true })
          return <Text>The old secret is refused from now on. The new one is below, at “Environment for SDKs”.</Text>
        }}
        line={secretLine(name)}
      />
      <DangerDialog
        open={asking === 'delete'}
        onClose={close}
        title={`Delete ${name}?`}
        preview={
          <Text>
            The identity and its {roles.data?.length ?? 0} roles are gone at once; servers and programs that use it are
            refused. Another identity of the same name will be another one, without these roles.
          </Text>
        }
        name={name}
        submit="Delete"
        run={async () => {
          await api.delete(pathOf(name))
          // First away from the page: what is on it would ask for what is gone.
          go(paths.identities())
          window.setTimeout(() => {
            client.removeQueries({ queryKey: ['identities', name] })
            void refresh()
          })
        }}
        line={deleteLine(name)}
      />
    </Page>
  )
}

interface ChangeProps {
  identity: Identity
  update: (body: object) => Promise<void>
  onClose: () => void
}

const ChangeRules = ({ identity, update, onClose }: ChangeProps) => {
  const [rules, setRules] = useState(() => rulesOf(identity))
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Who is ${identity.name}?`}
      submit="Save"
      ready={Object.keys(rulesComplaints(rules)).length === 0}
      run={() => update(rulesBody(rules))}
      line={updateLine(identity.name, 'Change who it is', rulesFlags(rules), rulesBody(rules))}
    >
      <Text>What you choose takes the place of: {rulesSentence(identity)}.</Text>
      <RulesForm rules={rules} onChange={setRules} />
    </FormDialog>
  )
}

const updateLine = (name: string, title: string, flags: string, body: object): CliLine => ({
  title,
  cli: `pgkeep identity update -n ${shell(name)} ${flags}`,
  method: 'PATCH',
  path: pathOf(name),
  body,
})

const secretLine = (name: string) => updateLine(name, 'Make a new secret', '--rotate-header', { rotate_header: true })

const deleteLine = (name: string): CliLine => ({
  title: 'Delete the identity',
  cli: `pgkeep identity delete -n ${shell(name)}`,
  method: 'DELETE',
  path: pathOf(name),
})
