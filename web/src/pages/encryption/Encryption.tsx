// How a server is encrypted: mode, key, version, how the key stands, and proof from the disk.
import { ArrowSwapRegular, ArrowSyncRegular, EyeRegular, KeyRegular, ShieldCheckmarkRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, call, every } from '../../api/client'
import type { Encryption as EncryptionDoc, KeyCheck } from '../../api/types'
import { duration, sentences, shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { CopyValue } from '../../parts/Copy'
import { Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { type Fact, type Message, Page } from '../../parts/Page'
import { StateBadge, Verdict } from '../../parts/State'
import { serverCrumbs, serverTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { ChangeKey } from './ChangeKey'
import { KeyHistory } from './KeyHistory'
import { Proof } from './Proof'
import { RotateKey } from './RotateKey'
import { modeName, ownKey } from '../servers/ServerTable'
import { WatchKey } from './WatchKey'
import { useServer } from '../servers/useServer'
import { VerifyStorage, canVerify, verifyLine } from '../servers/VerifyStorage'

export const Encryption = () => {
  const { name, query: server } = useServer()
  const run = useRun()
  const [asks, setAsks] = useState<'rotate' | 'change' | 'watch' | 'verify'>()
  const path = apiPath`/servers/${name}/encryption`
  const query = useQuery({
    queryKey: ['servers', name, 'encryption'],
    queryFn: ({ signal }) => call<EncryptionDoc>('GET', path, { signal }),
    refetchInterval: every(5_000),
  })
  const key = query.data?.data
  const fixed = !key ? 'Nothing is known of the key now'
    : key.mode === 'CustomerManaged' ? undefined : 'pgkeep keeps this key; who holds it is chosen when a server is created'
  const changes = [['servers'], ['home'], ['jobs']]
  const check = () =>
    void run(async () => {
      const seen = await api.post<KeyCheck>(`${path}/check`)
      if (seen.failure) throw new Error(seen.failure.message)
      return seen
    }, { title: `The key of ${name} opens`, changes })
  return (
    <Page title="Data encryption" crumbs={serverCrumbs(name)} tabs={serverTabs(name)}
      badge={server.data && <StateBadge state={server.data.state} of={name} />}
      lead="Everything PostgreSQL writes is ciphertext on the disk. A data key encrypts it; the key below wraps the data key."
      actions={[
        { label: 'Check the key', needs: 'encryption_check', icon: <KeyRegular />, onClick: check, refused: fixed,
          line: { title: 'Check the key', cli: `pgkeep server key revalidate -s ${shell(name)}`, method: 'POST', path: `${path}/check` } },
        { label: 'Rotate', needs: 'encryption_rotate', icon: <ArrowSyncRegular />, onClick: () => setAsks('rotate'), refused: fixed,
          line: { title: 'Rotate the key', cli: rotateLine(key?.key_uri), method: 'POST', path: `${path}/rotate` } },
        { label: 'Change key', needs: 'encryption_key_set', icon: <ArrowSwapRegular />, onClick: () => setAsks('change'), refused: fixed,
          line: { title: 'Change the key', cli: `pgkeep server key set -s ${shell(name)} --key KEY_URI --identity IDENTITY`,
            method: 'PUT', path: `${path}/key`, body: { key_uri: 'KEY_URI', identity: 'IDENTITY' } } },
        { label: 'Watch', needs: 'encryption_key_set', icon: <EyeRegular />, onClick: () => setAsks('watch'), refused: fixed,
          line: { title: 'How the key is watched', cli: `pgkeep server key set -s ${shell(name)} --check-interval 10 --grace 300`,
            method: 'PUT', path: `${path}/key`, body: { policy: { check_interval_s: 10, grace_s: 300 } } } },
        { label: 'Verify storage', needs: 'storage_verify', icon: <ShieldCheckmarkRegular />, onClick: () => setAsks('verify'),
          refused: canVerify(server.data?.state), line: verifyLine(name, server.data?.state === 'Ready') },
      ]}
      lines={[
        { title: 'Show how it is encrypted', cli: `pgkeep server key show -s ${shell(name)} -o json`, path },
        { title: 'Proof from the disk', cli: `pgkeep server storage proof -s ${shell(name)}`, path: `${path}/proof` },
      ]}
      messages={key ? messages(key) : []} essentials={key && facts(key, server.data?.storage?.engine, server.data?.state === 'Ready')}>
      {!key && <Guard query={query} lines={6}>{() => null}</Guard>}
      {key && <Proof name={name} ready={server.data?.state === 'Ready'} />}
      {key && <KeyHistory name={name} />}
      <VerifyStorage name={name} running={server.data?.state === 'Ready'} open={asks === 'verify'} onClose={() => setAsks(undefined)} />
      {key && <RotateKey name={name} open={asks === 'rotate'} onClose={() => setAsks(undefined)} current={key} />}
      {key && <WatchKey name={name} open={asks === 'watch'} onClose={() => setAsks(undefined)} current={key} etag={query.data?.etag} />}
      {key && <ChangeKey name={name} open={asks === 'change'} onClose={() => setAsks(undefined)} current={key} etag={query.data?.etag} />}
    </Page>
  )
}

const messages = (key: EncryptionDoc): (Message | false)[] => [
  key.mode !== 'CustomerManaged' && {
    intent: 'info', title: 'pgkeep keeps the key of this server.',
    text: <>It lies sealed in pgkeep’s vault and has one version. To rotate a key, or to take it away, make a server under
      a key of your own and move the data. <Link inline to={paths.servers({ create: true })}>Create a server</Link></>,
  },
  key.health === 'lost' && {
    intent: 'error', title: 'The key is refused.',
    text: sentences(`${(key.failure?.message ?? 'its vault denies it').replace(/\.$/, '')}${key.failure?.inner_code ? ` (${key.failure.inner_code})` : ''}`) +
      ' The server is down until the key opens again; it then comes back by itself.',
  },
  key.health === 'doubtful' && {
    intent: 'warning', title: 'Nothing is known of the key now.',
    text: <>{sentences(key.failure?.message)} The server goes on until <Time at={key.grace_until} />, then it stops.</>,
  },
  Boolean(key.rewrap) && {
    intent: key.rewrap?.failure ? 'warning' : 'info', title: 'The data key is being wrapped anew.',
    text: <>Version {key.rewrap?.to_version ?? 'not known yet'}. {key.rewrap?.failure?.message} Keep the old version
      usable until <Time at={key.rewrap?.old_version_needed_until} />.</>,
  },
]

/** In pgkeep's own vaults the key itself is rotated; elsewhere its owner does it. */
const rotateLine = (uri: string | undefined): string | undefined => {
  const own = ownKey(uri ?? '')
  return own && `pgkeep keyvault key rotate --vault-name ${own.vault} -n ${own.key}`
}

/** The page of a key that lies in pgkeep's own vault. */
const pageOf = (uri: string) => {
  const own = ownKey(uri)
  return own && paths.key(own.vault, own.key)
}

const verdicts: Record<string, [string, string]> = {
  usable: ['good', 'The key opens'], lost: ['bad', 'The key is refused'],
  doubtful: ['warning', 'In doubt'], unused: ['unknown', 'Not in use now'], unchecked: ['unknown', 'Not checked yet'],
}

const facts = (key: EncryptionDoc, engine: string | undefined, ready: boolean): Fact[] => {
  const link = pageOf(key.key_uri)
  const [verdict, word] = verdicts[key.health ?? (ready ? 'usable' : 'unused')] ?? ['unknown', key.health ?? '']
  const policy = key.policy
  const shown: (Fact | false)[] = [
    { name: 'Mode', value: modeName(key.mode) },
    { name: 'Verdict', value: <Verdict verdict={verdict} word={word} looked_at={key.checked_at ?? key.last_validated_at} rule="it unwraps the data key" /> },
    { name: 'Key', value: <CopyValue value={key.key_uri} label="address of the key" /> },
    { name: 'Version', value: <CopyValue value={key.key_version} label="version" /> },
    { name: 'Identity', value: key.identity },
    { name: 'Last validated', value: <Time at={key.last_validated_at} /> },
    { name: 'Versions', value: key.pinned == null ? 'Kept by pgkeep' : key.pinned ? 'Pinned to this one' : 'The newest is followed' },
    { name: 'Data encrypted by', value: engine ?? '–' },
    Boolean(key.algorithm) && { name: 'Wrapped by', value: key.algorithm },
    Boolean(key.wrapped_at) && { name: 'Wrapped at', value: <Time at={key.wrapped_at} /> },
    Boolean(key.key_expires_at) && { name: 'Key expires', value: <Time at={key.key_expires_at} /> },
    policy != null && { name: 'Watched', value: `every ${duration(policy.check_interval_s * 1000)}, ${duration(policy.grace_s * 1000)} of grace` },
    link !== undefined && { name: 'Manage it', value: <Link to={link}>Key, versions and rotation policy</Link> },
  ]
  return shown.filter((fact): fact is Fact => Boolean(fact))
}
