// One server: what it is, how it is, what became of it; start, stop, restart, delete.
import { Text } from '@fluentui/react-components'
import {
  ArrowClockwiseRegular, CertificateRegular, DeleteRegular, PlayRegular, PlugConnectedRegular, ShieldCheckmarkRegular, StopRegular,
} from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, every } from '../../api/client'
import { all } from '../../api/queries'
import type { Job, Server as ServerDoc, StateChange } from '../../api/types'
import { bytes, sentences, shell } from '../../format'
import { follow, useRun } from '../../frame/jobs'
import { CopyValue } from '../../parts/Copy'
import { DangerDialog } from '../../parts/Dialogs'
import { DataTable } from '../../parts/DataTable'
import { Empty, Fault, Guard } from '../../parts/Guard'
import { Link, useGo } from '../../parts/Link'
import { type Action, type Fact, type Message, Page, Section } from '../../parts/Page'
import { Badge, StateBadge } from '../../parts/State'
import { serverCrumbs, serverTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { keyHealth, modeName } from './ServerTable'
import { StateStrip } from './StateStrip'
import { VerifyStorage, canVerify, verifyLine } from './VerifyStorage'
import { useServer } from './useServer'

type Verb = 'start' | 'stop' | 'restart'

/** Why a verb makes no sense now; undefined when it does. */
export const refused = (verb: Verb, state: string | undefined): string | undefined => {
  if (!state) return 'The state is not known yet'
  const running = state === 'Ready'
  if (verb === 'start') return running ? 'It runs already' : state === 'Starting' || state === 'Provisioning' ? 'It is starting' : undefined
  if (state === 'Stopped' || state === 'Disabled') return 'It is stopped'
  return state === 'Stopping' ? 'It is stopping' : undefined
}

export const Server = () => {
  const { name, query } = useServer()
  const run = useRun()
  const [asks, setAsks] = useState<'stop' | 'delete' | 'verify'>()
  const server = query.data
  const path = apiPath`/servers/${name}`
  const changes = [['servers'], ['home'], ['jobs']]
  const act = (verb: Verb, title: string) =>
    void run(() => api.post<Job>(`${path}/${verb}`), { title: `${title} ${name}`, link: paths.server(name), changes })
  const line = (verb: Verb, title: string) =>
    ({ title: `${title} ${name}`, cli: `pgkeep server ${verb} -n ${shell(name)}`, method: 'POST' as const, path: `${path}/${verb}` })
  const actions: Action[] = [
    { label: 'Connect', icon: <PlugConnectedRegular />, primary: true, needs: 'server_connect', to: paths.connect(name) },
    { label: 'Start', needs: 'server_start', icon: <PlayRegular />, onClick: () => act('start', 'Start'), refused: refused('start', server?.state), line: line('start', 'Start') },
    { label: 'Stop', needs: 'server_stop', icon: <StopRegular />, onClick: () => setAsks('stop'), refused: refused('stop', server?.state), line: line('stop', 'Stop') },
    { label: 'Restart', needs: 'server_restart', icon: <ArrowClockwiseRegular />, onClick: () => act('restart', 'Restart'), refused: refused('restart', server?.state), line: line('restart', 'Restart') },
    { label: 'Verify storage', needs: 'storage_verify', icon: <ShieldCheckmarkRegular />, onClick: () => setAsks('verify'),
      refused: canVerify(server?.state), line: verifyLine(name, server?.state === 'Ready') },
    { label: 'Renew certificate', needs: 'certificate_rotate', icon: <CertificateRegular />, refused: server?.state === 'Ready' ? undefined : 'Only a running server can take it',
      onClick: () => void run(() => api.post<Job>(`${path}/certificate/rotate`), { title: `Renew the certificate of ${name}`, changes }),
      line: { title: 'Renew the certificate', cli: `pgkeep server certificate rotate -s ${shell(name)}`, method: 'POST', path: `${path}/certificate/rotate` } },
    { label: 'Delete', needs: 'server_delete', icon: <DeleteRegular />, onClick: () => setAsks('delete'),
      line: { title: `Delete ${name}`, cli: `pgkeep server delete -n ${shell(name)} --yes`, method: 'DELETE', path } },
  ]
  return (
    <Page title={name} crumbs={serverCrumbs()} tabs={serverTabs(name)} badge={server && <StateBadge state={server.state} />}
      actions={actions} lines={[{ title: `Show ${name}`, cli: `pgkeep server show -n ${shell(name)} -o json`, path }]}
      messages={server ? messages(server) : []} essentials={server && facts(server)}>
      {!server && <Guard query={query} lines={8}>{() => null}</Guard>}
      {server && query.error && <Fault error={query.error} what="Not fresh" />}
      {server && <History name={name} />}
      <StopDialog name={name} open={asks === 'stop'} onClose={() => setAsks(undefined)} go={() => act('stop', 'Stop')} />
      <VerifyStorage name={name} running={server?.state === 'Ready'} open={asks === 'verify'} onClose={() => setAsks(undefined)} />
      <DeleteDialog name={name} open={asks === 'delete'} onClose={() => setAsks(undefined)} server={server} />
    </Page>
  )
}

const messages = (server: ServerDoc): Message[] => {
  const said: Message[] = []
  if (server.state === 'Inaccessible') {
    said.push({ intent: 'error', title: 'The server is Inaccessible.', text: <>
      {sentences(server.state_reason)} No process holds its data key; nothing on the disk can be read until its key opens
      again. <Link inline to={paths.encryption(server.name)}>Data encryption</Link>
    </> })
  } else if (server.state !== 'Ready' && server.state_reason) {
    said.push({ intent: 'info', title: `${server.state}:`, text: sentences(server.state_reason) })
  }
  for (const warning of server.warnings ?? []) said.push({ intent: 'warning', title: 'Attention:', text: warning })
  return said
}

const facts = (server: ServerDoc): Fact[] => {
  const { data_encryption: key, storage, tls, restarts } = server
  const [tone, word] = keyHealth(server)
  return [
    { name: 'State', value: <>{server.state} since <Time at={server.state_since} age /></> },
    { name: 'Encryption key', value: <Link to={paths.encryption(server.name)}>{modeName(key?.mode)}</Link> },
    { name: 'Address', value: <CopyValue value={`localhost:${server.port}`} label="address" /> },
    { name: 'Key state', value: <Badge tone={tone}>{word}</Badge> },
    { name: 'PostgreSQL', value: server.major_version ?? '–' },
    { name: 'Last validated', value: <Time at={key?.last_validated_at} age /> },
    { name: 'TLS', value: tls ? `${tls.require_secure_transport ? 'Required' : 'Not required'}, ${tls.min_protocol_version} or newer` : '–' },
    { name: 'Certificate until', value: <Time at={tls?.not_after} /> },
    { name: 'Disk', value: storage?.size_bytes && storage.free_bytes ? `${bytes(storage.free_bytes)} free of ${bytes(storage.size_bytes)}` : '–' },
    { name: 'Changed bytes', value: storage ? (storage.n_tampers ? <Badge tone="bad">{storage.n_tampers} found</Badge> : 'None found') : '–' },
    { name: 'Created', value: <Time at={server.created_at} /> },
    { name: 'Own restarts', value: restarts?.n_restarts ? <>{restarts.n_restarts}, last <Time at={restarts.last_at} age /></> : 'None' },
  ]
}

const History = ({ name }: { name: string }) => {
  const query = useQuery({
    queryKey: ['servers', name, 'history'],
    queryFn: ({ signal }) => all<StateChange>(apiPath`/servers/${name}/history`, signal, 1000),
    refetchInterval: every(10_000),
  })
  return (
    <Section title="History of states">
      <Guard query={query}>
        {(rows) => (
          <>
            {rows.length > 0 && <StateStrip rows={rows} />}
            <DataTable name={`history of ${name}`} noun="change" rows={rows} rowId={(row) => row.state_since + row.state} sort="-since"
              empty={<Empty title="No history yet" text="Every state that the server enters is kept here, with the reason." />}
              columns={[
                { id: 'since', title: 'Since', width: '220px', value: (row) => row.state_since, cell: (row) => <Time at={row.state_since} /> },
                { id: 'state', title: 'State', width: '180px', value: (row) => row.state, cell: (row) => <StateBadge state={row.state} /> },
                { id: 'reason', title: 'Because', value: (row) => row.state_reason },
              ]} />
          </>
        )}
      </Guard>
    </Section>
  )
}

interface AskProps { name: string; open: boolean; onClose: () => void }

const StopDialog = ({ name, open, onClose, go }: AskProps & { go: () => void }) => (
  <DangerDialog open={open} onClose={onClose} title={`Stop ${name}?`} submit="Stop"
    preview={<Text>Sessions are ended, PostgreSQL stops, the mount goes and the data key is wiped from memory. Nothing is lost; start brings it back.</Text>}
    run={async () => go()} />
)

const DeleteDialog = ({ name, open, onClose, server }: AskProps & { server: ServerDoc | undefined }) => {
  const run = useRun()
  const client = useQueryClient()
  const go = useGo()
  const path = apiPath`/servers/${name}`
  return (
    <DangerDialog open={open} onClose={onClose} title={`Delete ${name}?`} name={name} submit="Delete for good"
      preview={
        <>
          <Text>This destroys the wrapped data key and removes the store. There is no way back: without the key, copies of the disk stay ciphertext for ever.</Text>
          <ul style={{ margin: 0 }}>
            <li>{server?.storage?.backing_dir ?? 'The backing folder'} is removed</li>
            <li>port {server?.port ?? ''} becomes free, sessions end</li>
            <li>backups that you took elsewhere are not touched</li>
          </ul>
        </>
      }
      line={{ title: `Delete ${name}`, cli: `pgkeep server delete -n ${shell(name)} --yes`, method: 'DELETE', path }}
      run={async () => {
        const job = await follow(await api.delete<Job>(path))
        await run(async () => job, { title: `Delete ${name}`, changes: [['home']] })
        if (job.state === 'failed') return <Fault error={new Error(job.error?.message ?? 'it failed')} />
        go(paths.servers())
        window.setTimeout(() => client.removeQueries({ queryKey: ['servers', name] }))
      }} />
  )
}
