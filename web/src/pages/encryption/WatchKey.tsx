// How often a key is looked at, and how long a server goes on when nothing is known of it.
import { Field, Input, Text } from '@fluentui/react-components'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import type { Encryption, Job } from '../../api/types'
import { shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { FormDialog } from '../../parts/Dialogs'
import { apiPath, paths } from '../../paths'

export interface KeyDialogProps {
  name: string
  open: boolean
  onClose: () => void
  current: Encryption
  etag: string | undefined
}

const digits = (text: string) => text.replace(/\D/g, '').slice(0, 6)

export const WatchKey = ({ name, open, onClose, current, etag }: KeyDialogProps) => {
  const run = useRun()
  const [interval, setInterval] = useState('')
  const [grace, setGrace] = useState('')
  useEffect(() => {
    if (!open) return
    setInterval(String(current.policy?.check_interval_s ?? ''))
    setGrace(String(current.policy?.grace_s ?? ''))
    // Only when it opens: the next look at the key must not overwrite what is typed.
  }, [open])
  const path = apiPath`/servers/${name}/encryption/key`
  const body = { policy: { check_interval_s: Number(interval), grace_s: Number(grace) } }
  const changed = body.policy.check_interval_s !== current.policy?.check_interval_s || body.policy.grace_s !== current.policy?.grace_s
  const send = async () => {
    const job = await api.put<Job>(path, body, etag)
    void run(async () => job, { title: `Watch the key of ${name}`, link: paths.encryption(name), changes: [['servers']] })
  }
  return (
    <FormDialog open={open} onClose={onClose} title={`How the key of ${name} is watched`} submit="Apply"
      ready={interval !== '' && grace !== '' && changed} run={send}
      line={{ title: 'How the key is watched', method: 'PUT', path, body,
        cli: `pgkeep server key set -s ${shell(name)} --check-interval ${interval || 'SECONDS'} --grace ${grace || 'SECONDS'}` }}>
      <Text>
        pgkeep's own vaults tell a change at once; others are asked. A clear refusal acts at once, silence only after the grace.
      </Text>
      <Field label="Seconds between two checks">
        <Input value={interval} onChange={(_, d) => setInterval(digits(d.value))} inputMode="numeric" />
      </Field>
      <Field label="Seconds of grace" hint="So long the server goes on when its vault cannot be asked">
        <Input value={grace} onChange={(_, d) => setGrace(digits(d.value))} inputMode="numeric" />
      </Field>
    </FormDialog>
  )
}
