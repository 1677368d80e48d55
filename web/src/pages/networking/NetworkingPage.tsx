// Who may connect to a server, how the connection is protected, and what a change would do.
import { Button, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular, CertificateRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { serverQuery, useMay } from '../../api/queries'
import { localTime, shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { notify } from '../../frame/notify'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog } from '../../parts/Dialogs'
import { Guard } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { apiPath, paths } from '../../paths'
import { serverCrumbs, serverTabs } from '../../parts/tabs'
import { CertificateCard } from './CertificateCard'
import { ChangeBar } from './ChangeBar'
import { EffectiveRules } from './EffectiveRules'
import { OwnRules } from './OwnRules'
import { ProtectionForm } from './ProtectionForm'
import { networkingQuery, rotateCertificate } from './api'
import { type Networking, complaints, difference, isEverybody, listenComplaint } from './model'

/** What was applied last, for the proof after it. */
export interface Applied {
  at: string
  restart: boolean
}

export const NetworkingPage = ({ name: server }: { name: string }) => {
  const query = useQuery(networkingQuery(server))
  const shown = useQuery(serverQuery(server))
  const [draft, setDraft] = useState<Networking>()
  const [applied, setApplied] = useState<Applied>()
  const [asking, setAsking] = useState<'restart' | 'rotate'>()
  const run = useRun()
  const may = useMay()
  const now = query.data?.data
  const wanted = draft ?? now
  const update = now && wanted && difference(now, wanted)
  const wrong = wanted && (complaints(wanted.rules).size > 0 || wanted.listen_addresses.some(listenComplaint))
  const open = now?.effective_rules.some(isEverybody) && now.listen_addresses.some((a) => /^(\*|0\.0\.0\.0|::)$/.test(a))

  const change = (part: Partial<Networking>) => {
    if (!wanted) return
    setApplied(undefined)
    setDraft({ ...wanted, ...part })
  }
  const refresh = () => {
    void query.refetch()
    void shown.refetch()
  }

  return (
    <Page
      title="Networking"
      crumbs={serverCrumbs(server)}
      tabs={serverTabs(server)}
      lead="Who may connect, and how the connection is protected. A change is previewed with everyone it would shut out."
      actions={[
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: refresh },
        {
          label: 'Rotate certificate…',
          needs: 'certificate_rotate',
          icon: <CertificateRegular />,
          onClick: () => setAsking('rotate'),
          line: rotateLine(server),
        },
      ]}
      lines={cliLines(server, now)}
      messages={[
        applied && {
          intent: applied.restart ? 'warning' : 'success',
          title: applied.restart ? 'Stored; listen addresses wait for a restart.' : 'In force.',
          text: `Applied ${localTime(applied.at)}; the rules below were read back from the running server.`,
          actions: applied.restart && (
            <Button size="small" onClick={() => setAsking('restart')}>Restart server…</Button>
          ),
        },
        now && !now.require_secure_transport && {
          intent: 'warning',
          title: 'Connections without TLS are accepted.',
          text: 'Passwords stay protected by SCRAM, the data does not. Turn "Require TLS" on below.',
        },
        open && {
          intent: 'info',
          title: 'Every address that reaches the port may try to sign in.',
          text: 'The server listens on all addresses and a rule lets in every address. Narrow one of the two.',
        },
      ]}
      essentials={
        now && [
          { name: 'Port', value: now.port },
          { name: 'Listens on', value: now.listen_addresses.join(', ') || 'nothing: unix socket only' },
          { name: 'TLS', value: now.require_secure_transport ? 'required' : 'optional' },
          { name: 'TLS versions', value: versions(now) },
        ]
      }
    >
      <Guard query={query} lines={10} what="Networking">
        {({ data }) => (
          <>
            <EffectiveRules networking={data} readAt={new Date(query.dataUpdatedAt).toISOString()} />
            <OwnRules
              rules={(draft ?? data).rules}
              stored={data.rules}
              onChange={(rules) => change({ rules })}
            />
            <ProtectionForm networking={draft ?? data} onChange={change} />
            <CertificateCard server={server} query={shown} onRotate={() => setAsking('rotate')} />
          </>
        )}
      </Guard>
      {now && update && (
        <ChangeBar
          server={server}
          update={update}
          etag={query.data?.etag}
          refused={may('networking_set') ? (wrong ? 'Mend what is marked first' : undefined) : 'None of your roles allows this'}
          onDiscard={() => setDraft(undefined)}
          onApplied={(restart) => {
            setApplied({ at: new Date().toISOString(), restart })
            setDraft(undefined)
            refresh()
            notify('success', `Networking of ${server} was changed`, restart ? 'Listen addresses wait for a restart.' : 'It is in force.')
          }}
        />
      )}
      <DangerDialog
        open={asking === 'restart'}
        onClose={() => setAsking(undefined)}
        title={`Restart ${server}?`}
        preview={<Text>All sessions end and clients connect again; it usually takes a few seconds.</Text>}
        submit="Restart"
        run={async () => {
          setApplied(undefined)
          void run(() => api.post(apiPath`/servers/${server}/restart`), {
            title: `Restart ${server}`,
            link: paths.server(server),
            changes: [['servers']],
          })
        }}
        line={{
          title: 'Restart the server',
          cli: `pgkeep server restart -n ${shell(server)}`,
          method: 'POST',
          path: apiPath`/servers/${server}/restart`,
        }}
      />
      <DangerDialog
        open={asking === 'rotate'}
        onClose={() => setAsking(undefined)}
        title={`A new certificate for ${server}?`}
        preview={
          <Text>
            A new key pair and certificate are made and shown to new connections at once. Open sessions go on
            undisturbed. Clients that trust pgkeep's authority notice nothing; clients that pinned the
            fingerprint have to be told.
          </Text>
        }
        submit="Rotate"
        run={async () => {
          await rotateCertificate(server)
          const after = await shown.refetch()
          return (
            <Text>
              The server was asked from outside and shows the new certificate, fingerprint{' '}
              <code>{after.data?.tls?.fingerprint ?? 'unknown'}</code>.
            </Text>
          )
        }}
        line={rotateLine(server)}
      />
    </Page>
  )
}

const versions = (n: Networking) =>
  n.max_protocol_version ? `${n.min_protocol_version} to ${n.max_protocol_version}` : `${n.min_protocol_version} or newer`

const rotateLine = (server: string): CliLine => ({
  title: 'Rotate the certificate',
  cli: `pgkeep server certificate rotate -s ${shell(server)}`,
  method: 'POST',
  path: apiPath`/servers/${server}/certificate/rotate`,
})

const cliLines = (server: string, now: Networking | undefined): CliLine[] => [
  {
    title: 'Show who may connect',
    cli: `pgkeep server firewall-rule list -s ${shell(server)} --effective`,
    path: apiPath`/servers/${server}/networking`,
  },
  {
    title: 'Add a rule',
    cli: `pgkeep server firewall-rule add -s ${shell(server)} --address 192.0.2.0/24 --role app`,
    method: 'PUT',
    path: apiPath`/servers/${server}/networking`,
    body: { rules: [{ type: 'hostssl', database: 'all', role: 'app', address: '192.0.2.0/24', method: 'scram-sha-256' }] },
  },
  {
    title: 'Require TLS',
    cli: `pgkeep server parameter set -s ${shell(server)} -n require_secure_transport -v on`,
    method: 'PUT',
    path: apiPath`/servers/${server}/networking`,
    body: { require_secure_transport: true },
  },
  {
    title: 'Lowest TLS version',
    cli: `pgkeep server parameter set -s ${shell(server)} -n ssl_min_protocol_version -v ${now?.min_protocol_version ?? 'TLSv1.3'}`,
    method: 'PUT',
    path: apiPath`/servers/${server}/networking`,
    body: { min_protocol_version: now?.min_protocol_version ?? 'TLSv1.3' },
  },
]
