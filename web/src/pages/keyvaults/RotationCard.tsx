// When a key is rotated by itself.
import { Button, Field, Input, Radio, RadioGroup, Text } from '@fluentui/react-components'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import { shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { EditDrawer } from '../../parts/EditDrawer'
import { Guard } from '../../parts/Guard'
import { Essentials, Section } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { ofKey, policyQuery } from './api'
import {
  type PolicyForm, type RotationPolicy, durationWords, policyBody, policyComplaints, policyFlags, policyForm, policySentence,
} from './model'

export const RotationCard = ({ vault, name }: { vault: string; name: string }) => {
  const query = useQuery(policyQuery(vault, name))
  const may = useMay()
  const [editing, setEditing] = useState(false)
  return (
    <Section
      title="Rotation"
      aside={<Button size="small" disabled={!query.data || !may('rotation_policy_set')} onClick={() => setEditing(true)}>Edit policy…</Button>}
    >
      <Guard query={query} lines={3} what="Rotation policy">
        {({ data }) => {
          const form = policyForm(data)
          return (
            <Essentials
              facts={[
                { name: 'In words', value: policySentence(form) },
                {
                  name: 'Warning',
                  value: form.notifyBefore
                    ? `recorded ${durationWords(form.notifyBefore)} before a version expires`
                    : 'none',
                },
                ...(data.updated_at ? [{ name: 'Changed', value: <Time at={data.updated_at} /> }] : []),
              ]}
            />
          )
        }}
      </Guard>
      {editing && query.data && (
        <EditPolicy
          vault={vault}
          name={name}
          policy={query.data.data}
          etag={query.data.etag}
          onClose={() => setEditing(false)}
        />
      )}
    </Section>
  )
}

interface EditProps {
  vault: string
  name: string
  policy: RotationPolicy
  etag: string | undefined
  onClose: () => void
}

const EditPolicy = ({ vault, name, policy, etag, onClose }: EditProps) => {
  const client = useQueryClient()
  const [form, setForm] = useState(() => policyForm(policy))
  const wrong = policyComplaints(form)
  const path = `${ofKey(vault, name)}/rotation-policy`
  const save = useMutation({
    mutationFn: () => api.put<RotationPolicy>(path, policyBody(form), etag),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['keyvaults', vault, 'keys', name] })
      onClose()
    },
  })
  const set = (part: Partial<PolicyForm>) => setForm((now) => ({ ...now, ...part }))
  const said = (field: keyof PolicyForm) =>
    wrong[field] ? ({ validationState: 'error', validationMessage: wrong[field] } as const) : {}
  const show: CliLine = {
    title: 'Set the policy',
    cli: `pgkeep keyvault key rotation-policy set --vault-name ${shell(vault)} -n ${shell(name)} ${policyFlags(form)}`.trim(),
    method: 'PUT',
    path,
    body: policyBody(form),
  }
  return (
    <EditDrawer
      title={`Rotation policy of ${name}`}
      lead="A rotation makes a new version. Servers that follow the newest one wrap their data key anew, without downtime."
      onClose={onClose}
      submit={{
        label: save.isPending ? 'Saving…' : 'Save policy',
        busy: save.isPending,
        refused: Object.values(wrong)[0],
      }}
      onSubmit={() => save.mutate()}
      error={save.error}
      lines={[show]}
    >
      <Field label="Rotate by itself">
        <RadioGroup value={form.rotate} onChange={(_, data) => set({ rotate: data.value as PolicyForm['rotate'] })}>
          <Radio value="never" label="Never: only by hand" />
          <Radio value="after" label="So long after a version was made" />
          <Radio value="before" label="So long before a version expires" />
        </RadioGroup>
      </Field>
      {form.rotate !== 'never' && (
        <Duration
          label="How long"
          value={form.rotateTime}
          onChange={(rotateTime) => set({ rotateTime })}
          said={said('rotateTime')}
        />
      )}
      <Duration
        label="A version made by rotation is valid for"
        empty="for ever"
        value={form.expiresIn}
        onChange={(expiresIn) => set({ expiresIn })}
        said={said('expiresIn')}
      />
      <Duration
        label="Record a warning so long before a version expires"
        empty="no warning"
        value={form.notifyBefore}
        onChange={(notifyBefore) => set({ notifyBefore })}
        said={said('notifyBefore')}
      />
      <Text weight="semibold">{policySentence(form)}</Text>
    </EditDrawer>
  )
}

interface DurationProps {
  label: string
  empty?: string
  value: string
  onChange: (value: string) => void
  said: object
}

const Duration = ({ label, empty, value, onChange, said }: DurationProps) => (
  <Field
    label={label}
    hint={`ISO 8601, at least seven days: P90D, P18M, P2Y.${value ? ` Means: ${durationWords(value)}.` : ''}${empty ? ` Empty: ${empty}.` : ''}`}
    {...said}
  >
    <Input value={value} spellCheck={false} autoComplete="off" onChange={(_, data) => onChange(data.value)} />
  </Field>
)
