// Another key, version or identity for a running server.
import { Field, Input, Radio, RadioGroup, Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import { all, identitiesQuery, keyvaultsQuery } from '../../api/queries'
import type { Job } from '../../api/types'
import { shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { FormDialog } from '../../parts/Dialogs'
import { apiPath, paths } from '../../paths'
import type { KeyDialogProps } from './WatchKey'

/** Keys of pgkeep's own vaults, as addresses to choose from; what may not be listed is left out. */
export const useKeyAddresses = (enabled: boolean): string[] => {
  const vaults = useQuery({ ...keyvaultsQuery, enabled }).data
  const keys = useQuery({
    queryKey: ['keyvaults', 'addresses', vaults?.map((one) => one.name)],
    enabled: enabled && vaults !== undefined,
    queryFn: async ({ signal }) => {
      const found = await Promise.allSettled((vaults ?? []).map(async (vault) => {
        const keys = await all<{ name?: string }>(apiPath`/keyvaults/${vault.name}/keys`, signal, 200)
        const base = (vault.uri ?? '').replace(/\/+$/, '')
        return keys.flatMap((key) => (key.name && base ? [`${base}/keys/${key.name}`] : []))
      }))
      return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    },
  })
  return keys.data ?? []
}

/** The address of a key without its version: the newest is followed then. */
export const withoutVersion = (uri: string): string => uri.replace(/(\/keys\/[^/]+)\/[^/]+$/, '$1')

export const ChangeKey = ({ name, open, onClose, current, etag }: KeyDialogProps) => {
  const run = useRun()
  const [follows, setFollows] = useState(true)
  const [key, setKey] = useState('')
  const [identity, setIdentity] = useState('')
  const identities = useQuery({ ...identitiesQuery, enabled: open }).data
  const addresses = useKeyAddresses(open)
  useEffect(() => {
    if (!open) return
    setFollows(current.pinned !== true)
    setKey(current.key_uri)
    setIdentity(current.identity)
    // Only when it opens: the next look at the key must not overwrite what is typed.
  }, [open])
  const address = key.trim().replace(/\/+$/, '')
  const uri = follows ? withoutVersion(address) : address
  const changed = uri !== current.key_uri || follows === current.pinned
  const body = {
    ...(changed ? { key_uri: uri } : {}),
    ...(identity !== current.identity ? { identity } : {}),
  }
  const path = apiPath`/servers/${name}/encryption/key`
  const cli = ['pgkeep server key set -s', shell(name), body.key_uri && `--key ${shell(body.key_uri)}`,
    body.identity && `--identity ${shell(body.identity)}`].filter(Boolean).join(' ')
  const send = async () => {
    const job = await api.put<Job>(path, body, etag)
    void run(async () => job, { title: `Change the key of ${name}`, link: paths.encryption(name), changes: [['servers'], ['home']] })
  }
  return (
    <FormDialog open={open} onClose={onClose} title={`Change the key of ${name}`} submit="Change" run={send}
      ready={Object.keys(body).length > 0 && uri !== '' && identity !== ''}
      line={{ title: 'Change the key', cli, method: 'PUT', path, body }}>
      <Text>
        The new key wraps the data key and is proved to open before the old wrapping is given up. No row is written
        anew and the server runs on. The present key must be usable until then.
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
      <Field label="Identity" required hint="The server asks under it; it needs the role Key Vault Crypto Service Encryption User on the key">
        <Input value={identity} onChange={(_, d) => setIdentity(d.value)} list="change-identities" autoComplete="off" spellCheck={false} />
      </Field>
      <datalist id="change-identities">{identities?.map((one) => <option key={one.name} value={one.name} />)}</datalist>
    </FormDialog>
  )
}
