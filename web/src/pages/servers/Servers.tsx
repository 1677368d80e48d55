// All servers, and making one.
import { Field, Input, Radio, RadioGroup, Text } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import { identitiesQuery, serversQuery } from '../../api/queries'
import type { Job } from '../../api/types'
import { shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { FormDialog } from '../../parts/Dialogs'
import { Guard } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { paths } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { useKeyAddresses } from '../encryption/ChangeKey'
import { ServerTable } from './ServerTable'

const schema = { create: flag }

export const Servers = () => {
  const query = useQuery(serversQuery)
  const [{ create }, set] = useSearchParams(schema)
  return (
    <Page title="Servers" crumbs={[{ text: 'Home', to: paths.home() }]}
      lead="Stock PostgreSQL, each on an encrypting file system with a data key of its own."
      actions={[
        { label: 'Create a server', needs: 'server_create', icon: <AddRegular />, primary: true, onClick: () => set({ create: true }),
          line: { title: 'Create a server', cli: 'pgkeep server create -n web', method: 'POST', path: '/servers', body: { name: 'web' } } },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[{ title: 'List servers', cli: 'pgkeep server list -o json', path: '/servers' }]}>
      <Guard query={query}>{(rows) => <ServerTable rows={rows} />}</Guard>
      <CreateServer open={create} onClose={() => set({ create: false })} taken={query.data?.map((one) => one.name) ?? []} />
    </Page>
  )
}

const NAME = /^[a-z][a-z0-9-]{0,39}$/

/** What is wrong with a server's name; undefined when nothing is. */
export const nameFault = (name: string, taken: string[]): string | undefined => {
  if (!name) return undefined
  if (!NAME.test(name)) return 'A letter first, then a-z, 0-9 and -, at most 40'
  if (taken.includes(name)) return 'There is a server of this name'
  return undefined
}

const CreateServer = ({ open, onClose, taken }: { open: boolean; onClose: () => void; taken: string[] }) => {
  const run = useRun()
  const [name, setName] = useState('')
  const [port, setPort] = useState('')
  const [mode, setMode] = useState<'own' | 'customer'>('own')
  const [key, setKey] = useState('')
  const [identity, setIdentity] = useState('')
  const identities = useQuery({ ...identitiesQuery, enabled: open && mode === 'customer' })
  const addresses = useKeyAddresses(open && mode === 'customer')
  useEffect(() => {
    if (!open) return
    setName('')
    setPort('')
    setMode('own')
    setKey('')
    setIdentity('')
  }, [open])
  const wrong = nameFault(name, taken)
  const portWrong = port !== '' && !(Number(port) >= 1024 && Number(port) <= 65535) ? 'From 1024 to 65535' : undefined
  const body = {
    name,
    ...(port ? { port: Number(port) } : {}),
    ...(mode === 'customer' ? { key, identity } : {}),
  }
  const cli = ['pgkeep server create -n', shell(name || 'NAME'), port && `--port ${port}`,
    mode === 'customer' && `--key ${shell(key || 'KEY_URI')} --identity ${shell(identity || 'IDENTITY')}`].filter(Boolean).join(' ')
  const ready = name !== '' && !wrong && !portWrong && (mode === 'own' || (key !== '' && identity !== ''))
  const send = async () => {
    // A refusal shows in the form; the work itself goes on in the tray.
    const job = await api.post<Job>('/servers', body)
    void run(async () => job, { title: `Create server ${name}`, link: paths.server(name), changes: [['servers'], ['home']] })
  }
  return (
    <FormDialog open={open} onClose={onClose} title="Create a server" submit="Create" ready={ready} run={send}
      line={{ title: 'Create this server', cli, method: 'POST', path: '/servers', body }}>
      <Field label="Name" required validationMessage={wrong ?? null}>
        <Input value={name} onChange={(_, d) => setName(d.value)} autoFocus autoComplete="off" spellCheck={false} maxLength={40} />
      </Field>
      <Field label="Port" hint="Left empty: the next free one from 5432" validationMessage={portWrong ?? null}>
        <Input value={port} onChange={(_, d) => setPort(d.value.replace(/\D/g, ''))} inputMode="numeric" autoComplete="off" />
      </Field>
      <Field label="Who holds the key that wraps the data key?">
        <RadioGroup value={mode} onChange={(_, d) => setMode(d.value as 'own' | 'customer')}>
          <Radio value="own" label="pgkeep, in its own vault" />
          <Radio value="customer" label="You, in a key vault: take the key away and the server is Inaccessible" />
        </RadioGroup>
      </Field>
      {mode === 'customer' && (
        <>
          <Field label="Key" required hint="https://NAME.vault.localhost:PORT/keys/KEY, with a version to pin it, without to follow the newest">
            <Input value={key} onChange={(_, d) => setKey(d.value)} list="create-keys" autoComplete="off" spellCheck={false} />
          </Field>
          <datalist id="create-keys">{addresses.map((one) => <option key={one} value={one} />)}</datalist>
          <Field label="Identity" required hint="The identity under which the server asks for the key; it needs the role Key Vault Crypto Service Encryption User on the key">
            <Input value={identity} onChange={(_, d) => setIdentity(d.value)} list="create-identities" autoComplete="off" spellCheck={false} />
          </Field>
          <datalist id="create-identities">
            {identities.data?.map((one) => <option key={one.name} value={one.name} />)}
          </datalist>
        </>
      )}
      <Text size={200}>The steps are shown in the job tray, top right; you need not wait.</Text>
    </FormDialog>
  )
}
