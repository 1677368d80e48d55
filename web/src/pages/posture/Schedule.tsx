// When a server is assessed by itself.
import { Button, Field, Select, Switch, Text } from '@fluentui/react-components'
import { CalendarClockRegular } from '@fluentui/react-icons'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { PostureSchedule } from '../../api/types'
import { sentences, shell } from '../../format'
import { FormDialog } from '../../parts/Dialogs'
import { Note } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { postureKey } from './api'

export const ScheduleButton = ({ server, schedule }: { server: string; schedule: PostureSchedule }) => {
  const may = useMay()
  const [open, setOpen] = useState(false)
  return (
    <span>
      <Button size="small" appearance="subtle" icon={<CalendarClockRegular />} disabled={!may('baseline_schedule_set')} onClick={() => setOpen(true)}>
        {schedule.enabled ? 'Once a day' : 'By hand only'}
      </Button>
      {schedule.enabled && <Text size={200}> next <Time at={schedule.next_run_at} /></Text>}
      <ScheduleDialog server={server} schedule={schedule} open={open} onClose={() => setOpen(false)} />
    </span>
  )
}

const ScheduleDialog = ({ server, schedule, open, onClose }: {
  server: string
  schedule: PostureSchedule
  open: boolean
  onClose: () => void
}) => {
  const client = useQueryClient()
  const [enabled, setEnabled] = useState(schedule.enabled)
  const [hour, setHour] = useState(schedule.hour)
  useEffect(() => {
    if (!open) return
    setEnabled(schedule.enabled)
    setHour(schedule.hour)
  }, [open, schedule])
  const path = apiPath`/servers/${server}/baseline/schedule`
  const body = { enabled, hour }
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={`When ${server} is assessed`}
      submit="Save"
      ready
      run={async () => {
        await api.put(path, body)
        await client.invalidateQueries({ queryKey: postureKey(server) })
        await client.invalidateQueries({ queryKey: ['posture'] })
      }}
      line={{
        title: 'Set the schedule', method: 'PUT', path, body,
        cli: `pgkeep baseline schedule ${enabled ? `enable -s ${shell(server)} --hour ${hour}` : `disable -s ${shell(server)}`}`,
      }}
    >
      {schedule.last_failure && (
        <Note intent="warning" title="The last try failed." text={<>{sentences(schedule.last_failure)} <Time at={schedule.last_run_at} age /></>} />
      )}
      <Switch label="Once a day by itself" checked={enabled} onChange={(_, data) => setEnabled(data.checked)} />
      <Field label="From this hour of the day on" hint="In UTC. A run that was missed is made up for.">
        <Select value={String(hour)} disabled={!enabled} onChange={(_, data) => setHour(Number(data.value))}>
          {Array.from({ length: 24 }, (_, i) => <option key={i} value={i}>{String(i).padStart(2, '0')}:00</option>)}
        </Select>
      </Field>
    </FormDialog>
  )
}
