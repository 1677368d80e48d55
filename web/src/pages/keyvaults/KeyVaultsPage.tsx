// All key vaults, and the seal that protects them.
import { Checkbox, Field, Input, Slider, Text, makeStyles, tokens } from '@fluentui/react-components'
import { AddRegular, ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { CopyValue } from '../../parts/Copy'
import { DataTable } from '../../parts/DataTable'
import { FormDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link, useGo } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'
import { flag, useSearchParams } from '../../search'
import { SealCard, sealLines } from './SealCard'
import { vaultsQuery } from './api'
import { type KeyVault, vaultNameComplaint } from './model'

const schema = { create: flag }

export const KeyVaultsPage = () => {
  const query = useQuery(vaultsQuery)
  const [search, setSearch] = useSearchParams(schema)
  return (
    <Page
      title="Key vaults"
      lead="Keys that wrap the data keys of servers, and keys for programs through the Azure Key Vault SDKs, unchanged."
      actions={[
        { label: 'Create key vault…', needs: 'keyvault_create', icon: <AddRegular />, onClick: () => setSearch({ create: true }), primary: true },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[
        { title: 'List key vaults', cli: 'pgkeep keyvault list', path: '/keyvaults' },
        createLine('pay', 90, false),
        ...sealLines,
      ]}
    >
      <SealCard />
      <Section title="Key vaults">
        <Guard query={query} what="Key vaults">
          {(rows) => (
            <DataTable
              name="key-vaults"
              noun="key vault"
              rows={rows}
              rowId={(row) => row.name}
              sort="name"
              empty={
                <Empty
                  title="No key vault yet"
                  text="pgkeep holds the keys of your servers by itself. With a key vault you hold them: you decide which key wraps a server's data key, who may use it, and when it ends. Taking the key away closes the server within seconds."
                  cli="pgkeep keyvault create -n pay"
                />
              }
              columns={[
                {
                  id: 'name',
                  title: 'Name',
                  value: (row) => row.name,
                  cell: (row) => <Link to={paths.keyvault(row.name)}>{row.name}</Link>,
                },
                {
                  id: 'uri',
                  title: 'Address for SDKs',
                  value: (row) => row.uri,
                  cell: (row) => <span style={{ whiteSpace: 'nowrap' }}><CopyValue value={row.uri} label={`address of ${row.name}`} /></span>,
                },
                { id: 'retention', title: 'Deleted keys kept', align: 'end', value: (row) => row.retention_days, cell: (row) => `${row.retention_days} days` },
                { id: 'protection', title: 'Purge protection', value: (row) => (row.purge_protection ? 'on' : 'off') },
                { id: 'created', title: 'Created', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} /> },
              ]}
            />
          )}
        </Guard>
      </Section>
      <CreateVault open={search.create} onClose={() => setSearch({ create: false })} />
    </Page>
  )
}

const createLine = (name: string, days: number, protect: boolean): CliLine => ({
  title: 'Create a key vault',
  cli: `pgkeep keyvault create -n ${shell(name || 'NAME')}${days === 90 ? '' : ` --retention-days ${days}`}${protect ? ' --purge-protection' : ''}`,
  method: 'POST',
  path: '/keyvaults',
  body: { name, retention_days: days, purge_protection: protect },
})

const useStyles = makeStyles({
  slider: { display: 'grid', gridTemplateColumns: '1fr auto', gap: '12px', alignItems: 'center' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

const CreateVault = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const s = useStyles()
  const client = useQueryClient()
  const go = useGo()
  const [name, setName] = useState('')
  const [days, setDays] = useState(90)
  const [protect, setProtect] = useState(false)
  const wrong = name === '' ? undefined : vaultNameComplaint(name)
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="Create a key vault"
      submit="Create"
      ready={name !== '' && !wrong}
      run={async () => {
        const made = await api.post<KeyVault>('/keyvaults', { name, retention_days: days, purge_protection: protect })
        await client.invalidateQueries({ queryKey: ['keyvaults'] })
        go(paths.keyvault(made.name))
      }}
      line={createLine(name, days, protect)}
    >
      <Field
        label="Name"
        required
        hint="Part of the address that programs use; it cannot be changed."
        {...(wrong ? { validationState: 'error', validationMessage: wrong } : {})}
      >
        <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Deleted keys can be recovered for" hint="Fixed once the vault is made.">
        <span className={s.slider}>
          <Slider
            min={7}
            max={90}
            value={days}
            aria-label="Days a deleted key can be recovered"
            aria-valuetext={`${days} days`}
            onChange={(_, data) => setDays(data.value)}
          />
          <Text>{days} days</Text>
        </span>
      </Field>
      <div>
        <Checkbox
          label="Purge protection"
          checked={protect}
          onChange={(_, data) => setProtect(data.checked === true)}
        />
        <Text size={200} block className={s.quiet}>
          Nobody, not even an owner, can destroy a deleted key before that time ends. Cannot be turned off again.
        </Text>
      </div>
    </FormDialog>
  )
}
