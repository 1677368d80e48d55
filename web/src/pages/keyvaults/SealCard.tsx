// The seal of the vault: whether its keys are in memory, what opens it, and opening or closing it.
import { Button, Field, Input, ProgressBar, Text, makeStyles } from '@fluentui/react-components'
import { LockClosedRegular, LockOpenRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog, FormDialog } from '../../parts/Dialogs'
import { Guard } from '../../parts/Guard'
import { Essentials, Note, Section } from '../../parts/Page'
import { Badge, Verdict } from '../../parts/State'
import { sealQuery } from './api'
import { SEALS, type Vault, sharesText } from './model'

const useStyles = makeStyles({
  buttons: { display: 'flex', gap: '8px', flexWrap: 'wrap' },
  shares: { display: 'grid', gap: '6px', maxWidth: '320px' },
})

const RULE = 'vault.seal/1: good when open, and its seal does not lie beside its data'

const sealLine: CliLine = { title: 'Seal the vault', cli: 'pgkeep vault seal', method: 'POST', path: '/vault/seal' }
const unsealLine: CliLine = { title: 'Unseal the vault', cli: 'pgkeep vault unseal', method: 'POST', path: '/vault/unseal', body: {} }

export const sealLines: CliLine[] = [
  { title: 'Show the seal', cli: 'pgkeep vault status', path: '/vault' },
  sealLine,
  unsealLine,
]

export const SealCard = () => {
  const s = useStyles()
  const query = useQuery(sealQuery)
  const client = useQueryClient()
  const may = useMay()
  const [asking, setAsking] = useState<'seal' | 'unseal'>()
  const state = query.data?.state
  // Everything that needs keys may look different now.
  const refresh = () => client.invalidateQueries()
  const buttons = (
    <span className={s.buttons}>
      {state === 'sealed' && may('vault_unseal') && (
        <Button size="small" appearance="primary" icon={<LockOpenRegular />} onClick={() => setAsking('unseal')}>
          Unseal…
        </Button>
      )}
      {state === 'unsealed' && may('vault_seal') && (
        <Button size="small" icon={<LockClosedRegular />} onClick={() => setAsking('seal')}>Seal…</Button>
      )}
    </span>
  )
  return (
    <Section title="Seal of the vault" aside={buttons}>
      <Guard query={query} lines={3} what="Seal">
        {(vault) => (
          <>
            <Essentials
              facts={[
                { name: 'State', value: <SealState vault={vault} /> },
                {
                  name: 'Verdict',
                  value: (
                    <Verdict
                      verdict={verdictOf(vault)}
                      looked_at={new Date(query.dataUpdatedAt).toISOString()}
                      rule={RULE}
                    />
                  ),
                },
                { name: 'Opened by', value: SEALS[vault.seal ?? '']?.title ?? vault.seal },
                { name: 'What that means', value: SEALS[vault.seal ?? '']?.text },
                ...(vault.key ? [{ name: "pgkeep's own key", value: `${vault.key.name}, ${vault.key.kty}` }] : []),
                ...(vault.shares ? [{ name: 'Shares', value: <Shares shares={vault.shares} /> }] : []),
              ]}
            />
            {SEALS[vault.seal ?? '']?.weakest && (
              <Note
                intent="warning"
                title="This is the weakest seal."
                text={
                  <>
                    Good to begin with; before real data arrives choose a passphrase or shares:{' '}
                    <code>pgkeep vault rekey --seal shamir --shares 5 --threshold 3</code>. It asks for nothing over the
                    network and prints the shares once, so it is done in a terminal.
                  </>
                }
              />
            )}
            {(vault.warnings ?? []).map((warning) => <Note key={warning} intent="warning" title={warning} />)}
          </>
        )}
      </Guard>
      <DangerDialog
        open={asking === 'seal'}
        onClose={() => setAsking(undefined)}
        title="Seal the vault?"
        preview={<SealPreview vault={query.data} />}
        name="seal"
        submit="Seal"
        run={async () => {
          await api.post('/vault/seal')
          await refresh()
          return <Text>The vault is sealed: it was asked again and holds no keys in memory.</Text>
        }}
        line={sealLine}
      />
      {query.data && asking === 'unseal' && (
        <Unseal vault={query.data} onClose={() => setAsking(undefined)} onChange={() => void refresh()} />
      )}
    </Section>
  )
}

const verdictOf = (vault: Vault) => {
  if (vault.state === 'sealed') return 'bad'
  if (vault.state !== 'unsealed') return 'cannot-tell'
  return SEALS[vault.seal ?? '']?.weakest || (vault.warnings?.length ?? 0) > 0 ? 'warning' : 'good'
}

const SealState = ({ vault }: { vault: Vault }) => {
  if (vault.state === 'unsealed') return <Badge tone="good">Unsealed: keys are in memory</Badge>
  if (vault.state === 'sealed')
    return <Badge tone="bad" icon={<LockClosedRegular />}>Sealed{vault.reason ? `: ${vault.reason}` : ''}</Badge>
  return <Badge tone="quiet">{[vault.state, vault.reason].filter(Boolean).join(': ')}</Badge>
}

const Shares = ({ shares }: { shares: { given: number; needed: number } }) => {
  const s = useStyles()
  return (
    <span className={s.shares}>
      {sharesText(shares)}
      <ProgressBar value={shares.given / shares.needed} aria-label={sharesText(shares)} />
    </span>
  )
}

const SealPreview = ({ vault }: { vault: Vault | undefined }) => (
  <>
    <Text>
      All keys leave the vault's memory. Servers whose key lies here are closed once their next check fails, no
      server can start, and SDKs get errors until the vault is unsealed. Data stays as it is: encrypted.
    </Text>
    <Text>
      {vault?.seal === 'file'
        ? 'It can be opened again with one click: the key lies in a file beside the data.'
        : `To open it again you need: ${SEALS[vault?.seal ?? '']?.title.toLowerCase() ?? 'what seals it'}. Make sure that you have it.`}
    </Text>
  </>
)

interface UnsealProps {
  vault: Vault
  onClose: () => void
  onChange: () => void
}

const Unseal = ({ vault, onClose, onChange }: UnsealProps) => {
  const s = useStyles()
  const [typed, setTyped] = useState('')
  const kind = vault.seal === 'passphrase' ? 'passphrase' : vault.seal === 'shares' ? 'share' : undefined
  const given = vault.shares?.given ?? 0
  const last = !vault.shares || given + 1 >= vault.shares.needed
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Unseal the vault"
      submit={kind === 'share' && !last ? 'Give this share' : 'Unseal'}
      ready={!kind || typed.trim() !== ''}
      run={async () => {
        await api.post('/vault/unseal', kind ? { [kind]: typed.trim() } : {})
        setTyped('')
        onChange()
      }}
      line={unsealLine}
    >
      <Text>{SEALS[vault.seal ?? '']?.text}</Text>
      {vault.shares && (
        <div className={s.shares}>
          <Text weight="semibold">{sharesText(vault.shares)}</Text>
          <ProgressBar value={given / vault.shares.needed} aria-label={sharesText(vault.shares)} />
        </div>
      )}
      {kind && (
        <Field
          label={kind === 'passphrase' ? 'Passphrase' : `Share ${given + 1}`}
          hint={
            kind === 'share'
              ? 'Shares may come one by one, from several people and places. It goes to the vault and nowhere else.'
              : 'It goes to the vault and nowhere else.'
          }
        >
          <Input
            type="password"
            value={typed}
            autoComplete="off"
            onChange={(_, data) => setTyped(data.value)}
          />
        </Field>
      )}
      {given > 0 && (
        <div>
          <Button
            size="small"
            onClick={async () => {
              await api.post('/vault/unseal', { forget_shares: true })
              onChange()
            }}
          >
            Forget the shares given so far
          </Button>
        </div>
      )}
    </FormDialog>
  )
}
