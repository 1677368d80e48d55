// Another key, version or identity for a running server, and how its key is watched.
import { Field, Input, Radio, RadioGroup, Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { api } from '../api/client'
import { all, identitiesQuery, keyvaultsQuery } from '../api/queries'
import type { Encryption, Job } from '../api/types'
import { shell } from '../format'
import { useRun } from '../frame/jobs'
import { FormDialog } from '../parts/Dialogs'
import { apiPath, paths } from '../paths'

/** Keys of pgkeep's own vaults, as addresses to choose from; what may not be listed is left out. */
const useKeyAddresses = (enabled: boolean): string[] => {
  const vaults = useQuery({ ...keyvaultsQuery, enabled }).data
  const keys = useQuery({
    queryKey: ['keyvaults', 'addresses', vaults?.map((one) => one.name)],
    enabled: enabled && vaults !== undefined,
    queryFn: async ({ signal }) => {
      const found = await Promise.allSettled((vaults ?? []).map(async (vault) => {
        const list = await all<{ name?: string; kid?: string }>(apiPath`/keyvaults/${vault.name}/keys`, signal, 200)
        const base = (vault.uri ?? '').replace(/\/+$/, '')
        return list.flatMap((key) => (key.name && base ? [`${base}/keys/${key.name}`] : []))
      }))
      return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    },
  })
  return keys.data ?? []
}

export const ChangeKey = ({ name, open, onClose, current, etag }: {
  name: string
  open: boolean
  onClose: () => void
  current: Encryption
  etag: string | undefined
}) => {
  const run = useRun()
  const isCustomer = current.mode === 'CustomerManaged'
  const [follows, setFollows] = useState(true)
  const [key, setKey] = useState('')
  const [identity, setIdentity] = useState('')
  const [interval, setInterval] = useState('')
  const [grace, setGrace] = useState('')
  const identities = useQuery({ ...identitiesQuery, enabled: open }).data
  const addresses = useKeyAddresses(open)
  useEffect(() => {
    if (!open) return
    setFollows(current.pinned !== true)
    setKey(isCustomer ? current.key_uri : '')
    setIdentity(isCustomer ? current.identity : '')
    setInterval(current.policy ? String(current.policy.check_interval_s) : '')
    setGrace(current.policy ? String(current.policy.grace_s) : '')
    // Only when it opens: what is typed must not be overwritten by the next look at the key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [open])
  const body = useMemo(() => {
    const address = key.trim().replace(/\/+$/, '')
    const policy = {
      ...(interval && Number(interval) !== current.policy?.check_interval_s ? { check_interval_s: Number(interval) } : {}),
      ...(grace && Number(grace) !== current.policy?.grace_s ? { grace_s: Number(grace) } : {}),
    }
    const uri = follows ? address.replace(/(\/keys\/[^/]+)\/[^/]+$/, '$1') : address
    return {
      ...(uri && (uri !== current.key_uri || follows === current.pinned) ? { key_uri: uri } : {}),
      ...(identity && identity !== current.identity ? { identity } : {}),
      ...(Object.keys(policy).length ? { policy } : {}),
    }
  }, [key, identity, interval, grace, follows, current])
  const path = apiPath`/servers/${name}/encryption/key`
  const cli = `pgkeep server encryption set-key -s ${shell(name)} --key ${shell(body.key_uri ?? (key || 'KEY_URI'))} --identity ${shell(identity || 'IDENTITY')}`
  const ready = Object.keys(body).length > 0 && (isCustomer || (key !== '' && identity !== ''))
  const send = async () => {
    const job = await api.put<Job>(path, body, etag)
    void run(async () => job, { title: `Change the key of ${name}`, link: paths.encryption(name), changes: [['servers'], ['home']] })
  }
  return (
    <FormDialog open={open} onClose={onClose} title={`Change the key of ${name}`} submit="Change" ready={ready} run={send}
      line={{ title: 'Change the key', cli, method: 'PUT', path, body }}>
      <Text>
        The new key wraps the data key and is proved to open before the old wrapping is given up. No row is written
        anew, the server runs on.
      </Text>
      <Field label="Key" required hint="https://NAME.vault.localhost:PORT/keys/KEY, or the address of another provider">
        <Input value={key} onChange={(_, d) => setKey(d.value)} list="change-keys" autoComplete="off" spellCheck={false} />
      </Field>
      <datalist id="change-keys">{addresses.map((one) => <option key={one} value={one} />)}</datalist>
      <Field label="Version">
        <RadioGroup value={follows ? 'follow' : 'pin'} onChange={(_, d) => setFollows(d.value === 'follow')}>
          <Radio value="follow" label="Follow the newest: a rotation of the key is taken up by itself" />
          <Radio value="pin" label="Pin the version that the address names" />
        </RadioGroup>
      </Field>
      <Field label="Identity" required hint="The server asks under it; it needs the role Crypto Service Encryption User on the key vault">
        <Input value={identity} onChange={(_, d) => setIdentity(d.value)} list="change-identities" autoComplete="off" spellCheck={false} />
      </Field>
      <datalist id="change-identities">{identities?.map((one) => <option key={one.name} value={one.name} />)}</datalist>
      <Field label="Seconds between two checks">
        <Input value={interval} onChange={(_, d) => setInterval(d.value.replace(/\D/g, ''))} inputMode="numeric" placeholder="10" />
      </Field>
      <Field label="Seconds of grace" hint="So long the server goes on when its vault cannot be asked. A clear refusal acts at once.">
        <Input value={grace} onChange={(_, d) => setGrace(d.value.replace(/\D/g, ''))} inputMode="numeric" />
      </Field>
    </FormDialog>
  )
}
