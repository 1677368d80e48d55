// API tokens: for programs, scoped and ending.
import { Button, Field, Input, Select, Text } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import type { Assignment } from '../../api/types'
import { shell } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { EditDrawer } from '../../parts/EditDrawer'
import { Empty, Guard } from '../../parts/Guard'
import { Note, Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { RolesEditor } from './RolesEditor'
import { tokensQuery } from './api'
import { type Token, type TokenMade, assignmentWords, assignmentsComplaint, roleFlags } from './model'

const schema = { create: flag }

export const TokensPage = () => {
  const query = useQuery(tokensQuery)
  const client = useQueryClient()
  const [search, setSearch] = useSearchParams(schema)
  const [ending, setEnding] = useState<Token>()
  const create = () => setSearch({ create: true })
  return (
    <Page
      title="Tokens"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lead="For programs that call the API. A token may do what its roles say, as far as the one who made it still may."
      actions={[
        { label: 'Create token…', needs: 'token_create', icon: <AddRegular />, onClick: create, primary: true },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[{ title: 'List tokens', cli: 'pgkeep token list', path: '/tokens' }, createLine('', [{ role: 'reader', scope: '/' }], 90)]}
    >
      <Guard query={query} what="Tokens">
        {(rows) => (
          <DataTable
            name="tokens"
            noun="token"
            rows={rows}
            rowId={(row) => row.id}
            sort="-created"
            empty={
              <Empty
                title="No token yet"
                text="A token lets a program call the API: a monitoring system that reads /metrics, a pipeline that rotates keys. Give it the least role and an end."
                cli="pgkeep token create --role reader"
                actions={<Button appearance="primary" onClick={create}>Create token…</Button>}
              />
            }
            columns={[
              { id: 'name', title: 'For', value: (row) => row.name },
              { id: 'id', title: 'Id', value: (row) => row.id, mono: true },
              { id: 'roles', title: 'Roles', value: (row) => row.assignments.map(assignmentWords).join(', ') },
              { id: 'by', title: 'Made by', value: (row) => row.made_by },
              { id: 'created', title: 'Created', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} age /> },
              { id: 'expires', title: 'Ends', value: (row) => row.expires_at, cell: (row) => <Ends at={row.expires_at} /> },
              { id: 'used', title: 'Used last', value: (row) => row.used_at, cell: (row) => (row.used_at ? <Time at={row.used_at} age /> : 'never') },
              {
                id: 'do',
                title: 'Action',
                value: () => '',
                cell: (row) => (
                  <Button size="small" aria-label={`End token ${row.name || row.id}`} onClick={() => setEnding(row)}>End…</Button>
                ),
              },
            ]}
          />
        )}
      </Guard>
      {search.create && <CreateToken onClose={() => setSearch({ create: false })} />}
      <DangerDialog
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={`End the token ${ending?.name || ending?.id}?`}
        preview={<Text>Programs that use it are refused from the next call on. It cannot be brought back.</Text>}
        submit="End it"
        run={async () => {
          if (!ending) return
          await api.delete(apiPath`/tokens/${ending.id}`)
          await client.invalidateQueries({ queryKey: ['tokens'] })
        }}
        line={{ title: 'End the token', cli: `pgkeep token revoke --id ${ending?.id ?? 'ID'}`, method: 'DELETE', path: apiPath`/tokens/${ending?.id ?? 'ID'}` }}
      />
    </Page>
  )
}

const Ends = ({ at }: { at: string }) =>
  Date.parse(at) <= Date.now() ? <Badge tone="bad">Has ended</Badge> : <Time at={at} age />

const DAYS = [1, 7, 30, 90, 365]

const createLine = (name: string, assignments: Assignment[], days: number) =>
  ({
    title: 'Create a token',
    cli: `pgkeep token create ${roleFlags(assignments)}${name ? ` -n ${shell(name)}` : ''} --expires-in P${days}D`,
    method: 'POST',
    path: '/tokens',
    body: tokenBody(name, assignments, days),
  }) as const

const tokenBody = (name: string, assignments: Assignment[], days: number) => ({
  name,
  assignments,
  expires_at: new Date(Date.now() + days * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z'),
})

const CreateToken = ({ onClose }: { onClose: () => void }) => {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [days, setDays] = useState(90)
  const [assignments, setAssignments] = useState<Assignment[]>([{ role: 'reader', scope: '/' }])
  const create = useMutation({
    // The token is in the answer once; it is forgotten with this drawer.
    gcTime: 0,
    mutationFn: () => api.post<TokenMade>('/tokens', tokenBody(name, assignments, days)),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['tokens'] }),
  })
  const made = create.data?.token
  if (made)
    return (
      <EditDrawer title="The token" onClose={onClose} buttons={<Button appearance="primary" onClick={onClose}>I have it</Button>}>
        <Note
          intent="warning"
          title="It is shown once."
          text="Copy it now to where the program reads its secrets. pgkeep keeps only its hash and cannot show it again."
        />
        <CodeBlock text={made} label="token" wrap />
        <Text weight="semibold">Try it</Text>
        <CodeBlock
          wrap
          label="command to try the token"
          text={`read -rs PGKEEP_TOKEN\ncurl --cacert ca.pem -H "Authorization: Bearer $PGKEEP_TOKEN" ${window.location.origin}/api/v1/session`}
        />
      </EditDrawer>
    )
  return (
    <EditDrawer
      title="Create a token"
      onClose={onClose}
      submit={{
        label: create.isPending ? 'Creating…' : 'Create',
        busy: create.isPending,
        refused:
          assignmentsComplaint(assignments) ??
          (name.trim() === '' ? 'Say what it is for' : assignments.length === 0 && 'A token without a role may do nothing'),
      }}
      onSubmit={() => create.mutate()}
      error={create.error}
      lines={[createLine(name, assignments, days)]}
    >
      <Field label="What it is for" required hint="Your own word, so that you know later what ends with it.">
        <Input value={name} placeholder="monitoring" autoComplete="off" onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Ends after">
        <Select value={String(days)} onChange={(_, data) => setDays(Number(data.value))}>
          {DAYS.map((n) => <option key={n} value={n}>{n === 1 ? '1 day' : n === 365 ? '1 year' : `${n} days`}</option>)}
        </Select>
      </Field>
      <RolesEditor assignments={assignments} onChange={setAssignments} none="A token without a role may do nothing." />
    </EditDrawer>
  )
}
