// One table: its columns, how long it keeps events, and erasing some of them.
import { Button, Checkbox, Field, Input, Text, Textarea } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { LogsTable } from '../../api/types'
import { bytes, count, shell } from '../../format'
import { finished } from '../../frame/finish'
import { notify } from '../../frame/notify'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog } from '../../parts/Dialogs'
import { EditDrawer } from '../../parts/EditDrawer'
import { Link } from '../../parts/Link'
import { Essentials } from '../../parts/Page'
import { apiPath, paths } from '../../paths'
import { counting, daysOf, kept } from './model'

export const TableDrawer = ({ table, onClose, refresh }: { table: LogsTable; onClose: () => void; refresh: () => Promise<void> }) => {
  const may = useMay()
  const [text, setText] = useState(table.retention_days?.toString() ?? '')
  const [erasing, setErasing] = useState(false)
  const days = daysOf(text)
  const path = apiPath`/logs/tables/${table.name}/retention`
  const save = useMutation({
    mutationFn: () => api.put(path, { days }),
    onSuccess: async () => {
      await refresh()
      notify('success', `${table.name} keeps its events ${days === null ? 'for ever' : `for ${count(days ?? 0, 'day')}`}`)
      onClose()
    },
  })
  const refused =
    (!may('logs_retention_set') && 'Your roles do not allow it')
    || (days === undefined && 'Write a number of days, or nothing for ever')
    || (days === table.retention_days && 'Nothing has changed')
  return (
    <>
      <EditDrawer
        title={table.name}
        onClose={onClose}
        submit={{ label: save.isPending ? 'Saving…' : 'Save', busy: save.isPending, refused }}
        onSubmit={() => save.mutate()}
        buttons={may('logs_erase') && <Button onClick={() => setErasing(true)}>Erase events…</Button>}
        error={save.error}
        lines={[
          {
            title: 'Set how long events are kept',
            cli: `pgkeep logs retention --table ${shell(table.name)} ${days ? `--days ${days}` : '--forever'}`,
            method: 'PUT', path, body: { days: days ?? null },
          },
        ]}
      >
        <Essentials
          facts={[
            { name: 'Kept', value: kept(table) },
            { name: 'In files', value: `${count(table.n_files, 'file')}, ${bytes(table.file_bytes)}` },
            { name: 'In memory', value: `${count(table.n_hot_rows, 'row')}, ${bytes(table.hot_bytes)}` },
          ]}
        />
        <Field
          label="Days that events are kept"
          hint="A day of events is dropped when it is older. Nothing: for ever."
          validationMessage={days === undefined ? 'Write a number of days, or nothing.' : undefined}
        >
          <Input value={text} inputMode="numeric" onChange={(_, d) => setText(d.value)} placeholder="for ever" autoComplete="off" />
        </Field>
        <Text weight="semibold">{count(table.columns.length, 'column')}</Text>
        <ul style={{ margin: 0, paddingInlineStart: '18px' }}>
          {table.columns.map((one) => (
            <li key={one.name}><Text font="monospace">{one.name}</Text> <Text>{one.type}{one.meaning ? `: ${one.meaning}` : ''}</Text></li>
          ))}
        </ul>
      </EditDrawer>
      <Erase table={table.name} open={erasing} onClose={() => setErasing(false)} refresh={refresh} />
    </>
  )
}

/** Which events, how many that are (on the page Logs), and then for good. */
const Erase = ({ table, open, onClose, refresh }: { table: string; open: boolean; onClose: () => void; refresh: () => Promise<void> }) => {
  const [condition, setCondition] = useState('')
  const [atOnce, setAtOnce] = useState(false)
  const path = apiPath`/logs/tables/${table}/erase`
  const body = { condition, at_once: atOnce }
  const line: CliLine = {
    title: 'Erase events',
    cli: `pgkeep logs erase --table ${shell(table)} --where ${shell(condition)}${atOnce ? ' --at-once' : ''} --yes`,
    method: 'POST', path, body,
  }
  return (
    <DangerDialog
      open={open}
      onClose={onClose}
      title={`Erase events of ${table}?`}
      preview={
        <>
          <Text>
            Rows that the condition holds for are taken out of all files. There is no way back. Others who read the
            Delta table can go back to older files for a week, unless those go at once.
          </Text>
          <Field label="Condition" hint={'What stands behind “where” in a query, such as RoleName == "anna"'}>
            <Textarea value={condition} onChange={(_, d) => setCondition(d.value)} spellCheck={false} resize="vertical" />
          </Field>
          <Checkbox label="Remove the old files at once" checked={atOnce} onChange={(_, d) => setAtOnce(d.checked === true)} />
          {condition.trim() && (
            <Link to={paths.logs({ query: counting(table, condition.trim()), timespan: '' })}>See how many rows that are</Link>
          )}
        </>
      }
      name={table}
      submit="Erase"
      run={async () => {
        const erased = (await finished(await api.post<unknown>(path, body))) as { n_rows?: number }
        await refresh()
        return <Text>{count(erased.n_rows ?? 0, 'row')} of {table} {erased.n_rows === 1 ? 'is' : 'are'} gone.</Text>
      }}
      line={line}
    />
  )
}
