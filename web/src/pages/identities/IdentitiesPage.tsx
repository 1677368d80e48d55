// Managed identities: programs and servers that ask for keys without a password.
import { Button, Field, Input } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { all } from '../../api/queries'
import { shell } from '../../format'
import { CopyValue } from '../../parts/Copy'
import { DataTable } from '../../parts/DataTable'
import { FormDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link, useGo } from '../../parts/Link'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { RulesForm } from './RulesForm'
import {
  type Identity, type Rules, nameComplaint, rulesBody, rulesComplaints, rulesFlags, rulesSentence,
} from './model'

const schema = { create: flag }

export const IdentitiesPage = () => {
  const query = useQuery({
    queryKey: ['identities'],
    queryFn: ({ signal }) => all<Identity>('/identities', signal),
  })
  const [search, setSearch] = useSearchParams(schema)
  const create = () => setSearch({ create: true })
  return (
    <Page
      title="Identities"
      lead="Who servers and programs are towards key vaults. The Azure SDKs find them through ManagedIdentityCredential, unchanged."
      actions={[
        { label: 'Create identity…', needs: 'identity_create', icon: <AddRegular />, onClick: create, primary: true },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[
        { title: 'List identities', cli: 'pgkeep identity list', path: '/identities' },
        createLine('app', { kind: 'servers', uids: '', units: '' }),
      ]}
    >
      <Guard query={query} what="Identities">
        {(rows) => (
          <DataTable
            name="identities"
            noun="identity"
            plural="identities"
            rows={rows}
            rowId={(row) => row.name}
            sort="name"
            empty={
              <Empty
                title="No identity yet"
                text="An identity is a name for a program or a server. It gets tokens because of who runs it, and may do with keys what its roles say: nothing, until you give it one."
                cli="pgkeep identity create -n app"
                actions={<Button appearance="primary" onClick={create}>Create identity…</Button>}
              />
            }
            columns={[
              {
                id: 'name',
                title: 'Name',
                value: (row) => row.name,
                cell: (row) => <Link to={paths.identity(row.name)}>{row.name}</Link>,
              },
              {
                id: 'state',
                title: 'State',
                value: (row) => (row.enabled ? 'Enabled' : 'Disabled'),
                cell: (row) => <IdentityState enabled={row.enabled} />,
              },
              { id: 'rules', title: 'Who it is', value: rulesSentence },
              {
                id: 'client',
                title: 'Client id',
                value: (row) => row.client_id,
                cell: (row) => <span style={{ whiteSpace: 'nowrap' }}><CopyValue value={row.client_id} label={`client id of ${row.name}`} /></span>,
              },
              { id: 'object', title: 'Object id', value: (row) => row.object_id, mono: true, hidden: true },
              { id: 'created', title: 'Created', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} /> },
            ]}
          />
        )}
      </Guard>
      {search.create && <CreateIdentity onClose={() => setSearch({ create: false })} />}
    </Page>
  )
}

export const IdentityState = ({ enabled }: { enabled: boolean }) =>
  enabled ? <Badge tone="good">Enabled</Badge> : <Badge tone="bad">Disabled</Badge>

const createLine = (name: string, rules: Rules) =>
  ({
    title: 'Create an identity',
    cli: `pgkeep identity create -n ${shell(name || 'NAME')} ${rulesFlags(rules)}`.trim(),
    method: 'POST',
    path: '/identities',
    body: { name, ...rulesBody(rules) },
  }) as const

const CreateIdentity = ({ onClose }: { onClose: () => void }) => {
  const client = useQueryClient()
  const go = useGo()
  const [name, setName] = useState('')
  const [rules, setRules] = useState<Rules>({ kind: 'servers', uids: '', units: '' })
  const wrong = name === '' ? undefined : nameComplaint(name)
  const ready = name !== '' && !wrong && Object.keys(rulesComplaints(rules)).length === 0
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Create an identity"
      submit="Create"
      ready={ready}
      run={async () => {
        const made = await api.post<Identity>('/identities', { name, ...rulesBody(rules) })
        await client.invalidateQueries({ queryKey: ['identities'] })
        go(paths.identity(made.name))
      }}
      line={createLine(name, rules)}
    >
      <Field label="Name" required {...(wrong ? { validationState: 'error', validationMessage: wrong } : {})}>
        <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
      </Field>
      <RulesForm rules={rules} onChange={setRules} />
    </FormDialog>
  )
}
