// A new key: kind, size, validity.
import { Checkbox, Field, Input, Radio, RadioGroup, Select } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { FormDialog } from '../../parts/Dialogs'
import { Moment, momentOf } from '../../parts/Moment'
import { useGo } from '../../parts/Link'
import { apiPath, paths } from '../../paths'
import { type Key, keyNameComplaint } from './model'

const SIZES = ['2048', '3072', '4096']
const CURVES = ['P-256', 'P-384', 'P-521']

export const CreateKey = ({ vault, taken, onClose }: { vault: string; taken: string[]; onClose: () => void }) => {
  const client = useQueryClient()
  const go = useGo()
  const [name, setName] = useState('')
  const [kty, setKty] = useState<'RSA' | 'EC'>('RSA')
  const [size, setSize] = useState('3072')
  const [curve, setCurve] = useState('P-256')
  const [expires, setExpires] = useState('')
  const [enabled, setEnabled] = useState(true)
  const isTaken = taken.some((one) => one.toLowerCase() === name.toLowerCase())
  const wrong =
    name === ''
      ? undefined
      : (keyNameComplaint(name) ?? (isTaken ? 'This vault has a key of that name; rotate it for a new version.' : undefined))
  const expiresAt = momentOf(expires)
  const body = {
    name,
    kty,
    ...(kty === 'RSA' ? { key_size: Number(size) } : { curve }),
    ...(expiresAt ? { expires_at: expiresAt } : {}),
    ...(enabled ? {} : { enabled }),
  }
  const kind = kty === 'RSA' ? `--size ${size}` : `--kty EC --curve ${curve}`
  const cli = [
    `pgkeep keyvault key create --vault-name ${shell(vault)} -n ${shell(name || 'NAME')} ${kind}`,
    expiresAt && `--expires ${expiresAt}`,
    !enabled && '--disabled',
  ]
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Create a key in ${vault}`}
      submit="Create"
      ready={name !== '' && !wrong}
      run={async () => {
        const made = await api.post<Key>(apiPath`/keyvaults/${vault}/keys`, body)
        await client.invalidateQueries({ queryKey: ['keyvaults', vault] })
        go(paths.key(vault, made.name))
      }}
      line={{
        title: 'Create the key',
        cli: cli.filter(Boolean).join(' '),
        method: 'POST',
        path: apiPath`/keyvaults/${vault}/keys`,
        body,
      }}
    >
      <Field
        label="Name"
        required
        hint="Cannot be changed."
        {...(wrong ? { validationState: 'error', validationMessage: wrong } : {})}
      >
        <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Kind" hint="Servers need RSA: their data key is wrapped with RSA-OAEP-256.">
        <RadioGroup layout="horizontal" value={kty} onChange={(_, data) => setKty(data.value as 'RSA' | 'EC')}>
          <Radio value="RSA" label="RSA: wraps and encrypts" />
          <Radio value="EC" label="EC: signs" />
        </RadioGroup>
      </Field>
      {kty === 'RSA' ? (
        <Field label="Size in bits">
          <Select value={size} onChange={(_, data) => setSize(data.value)}>
            {SIZES.map((one) => <option key={one}>{one}</option>)}
          </Select>
        </Field>
      ) : (
        <Field label="Curve">
          <Select value={curve} onChange={(_, data) => setCurve(data.value)}>
            {CURVES.map((one) => <option key={one}>{one}</option>)}
          </Select>
        </Field>
      )}
      <Moment
        label="Expires"
        hint="Empty: never. After that moment it neither wraps nor unwraps, so servers that use it close."
        value={expires}
        onChange={setExpires}
      />
      <Checkbox label="Enabled" checked={enabled} onChange={(_, data) => setEnabled(data.checked === true)} />
    </FormDialog>
  )
}
