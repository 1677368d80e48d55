// Somebody answers for a failure until a day.
import { Field, Input, Text, Textarea } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import type { PostureFinding } from '../../api/types'
import { shell } from '../../format'
import { FormDialog } from '../../parts/Dialogs'
import { apiPath } from '../../paths'
import { postureKey, waiversKey } from './api'
import { waiverComplaint } from './model'

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

export const WaiveDialog = ({ server, check, finding, onClose }: {
  server: string
  check: string
  finding?: PostureFinding
  onClose: () => void
}) => {
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  const [owner, setOwner] = useState('')
  const [approver, setApprover] = useState('')
  const [until, setUntil] = useState(inDays(90))
  const complaint = waiverComplaint({ reason, owner, until }, inDays(0))
  const path = apiPath`/servers/${server}/baseline/waivers`
  const body = {
    check, reason, owner, until,
    ...(approver.trim() ? { approver: approver.trim() } : {}),
    ...(finding ? { finding: finding.fingerprint } : {}),
  }
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Waive ${check} on ${server}`}
      submit="Waive"
      ready={!complaint}
      run={async () => {
        await api.post(path, body)
        await client.invalidateQueries({ queryKey: postureKey(server) })
        await client.invalidateQueries({ queryKey: waiversKey })
      }}
      line={{
        title: 'Waive it', method: 'POST', path, body,
        cli: `pgkeep baseline waive ${shell(check)} -s ${shell(server)} --reason ${shell(reason || 'REASON')} --owner ${shell(owner || 'OWNER')} --until ${until}${approver.trim() ? ` --approver ${shell(approver.trim())}` : ''}${finding ? ` --finding ${finding.fingerprint}` : ''}`,
      }}
    >
      <Text>
        It stays a failure and is shown as waived until its last day. It counts again the day after.
        {finding && <> Only this finding: <Text font="monospace">{finding.item}</Text>.</>}
      </Text>
      <Field label="Why it is accepted" required>
        <Textarea value={reason} onChange={(_, data) => setReason(data.value)} />
      </Field>
      <Field label="Who answers for it" required>
        <Input value={owner} autoComplete="off" onChange={(_, data) => setOwner(data.value)} />
      </Field>
      <Field label="Who approved of it">
        <Input value={approver} autoComplete="off" onChange={(_, data) => setApprover(data.value)} />
      </Field>
      <Field label="Last day" required hint={complaint ?? 'In UTC; at most two years ahead.'}>
        <Input type="date" value={until} min={inDays(0)} max={inDays(729)} onChange={(_, data) => setUntil(data.value)} />
      </Field>
    </FormDialog>
  )
}
