// The tables of the lake with their columns; a click puts a name into the query.
import { Button, SearchBox, Text, Tooltip, makeStyles, tokens } from '@fluentui/react-components'
import { ChevronDownRegular, ChevronRightRegular, TableRegular, WarningFilled } from '@fluentui/react-icons'
import { useState } from 'react'
import type { LogsTable } from '../../api/types'
import { bytes, count, sentences } from '../../format'

const useStyles = makeStyles({
  root: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gridTemplateRows: 'auto 1fr', gap: '8px', minHeight: 0, height: '100%' },
  search: { maxWidth: 'none' },
  list: { overflowY: 'auto', margin: 0, padding: 0, listStyleType: 'none', minHeight: 0 },
  line: { display: 'flex', alignItems: 'center' },
  toggle: { minWidth: '24px', width: '24px', padding: 0 },
  name: { flexGrow: 1, minWidth: 0, justifyContent: 'flex-start', fontWeight: tokens.fontWeightRegular, padding: '2px 4px', overflowWrap: 'anywhere', textAlign: 'start' },
  columns: { listStyleType: 'none', margin: 0, padding: '0 0 6px 28px' },
  column: { justifyContent: 'space-between', width: '100%', fontWeight: tokens.fontWeightRegular, padding: '0 4px', minHeight: '24px', gap: '8px' },
  cut: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', minWidth: 0 },
  quiet: { color: tokens.colorNeutralForeground2 },
  warn: { color: tokens.colorStatusWarningForeground1, flexShrink: 0 },
})

/** Tables that match, and those with a column that does: then only such columns. */
export const matching = (tables: readonly LogsTable[], typed: string): { table: LogsTable; open: boolean }[] => {
  const wanted = typed.trim().toLowerCase()
  if (!wanted) return tables.map((table) => ({ table, open: false }))
  return tables.flatMap((table): { table: LogsTable; open: boolean }[] => {
    if (table.name.toLowerCase().includes(wanted)) return [{ table, open: false }]
    const columns = table.columns.filter((c) => c.name.toLowerCase().includes(wanted))
    return columns.length ? [{ table: { ...table, columns }, open: true }] : []
  })
}

export const TableBrowser = ({ tables, onInsert }: { tables: readonly LogsTable[]; onInsert: (text: string) => void }) => {
  const s = useStyles()
  const [typed, setTyped] = useState('')
  const [opened, setOpened] = useState<readonly string[]>([])
  const found = matching(tables, typed)
  return (
    <div className={s.root}>
      <SearchBox size="small" className={s.search} value={typed} placeholder="Filter tables" aria-label="Filter tables and columns"
        onChange={(_, data) => setTyped(data.value)} />
      <ul className={s.list}>
        {found.map(({ table, open }) => (
          <OneTable key={table.name} table={table} open={open || opened.includes(table.name)} onInsert={onInsert}
            onToggle={() => setOpened((now) => (now.includes(table.name) ? now.filter((n) => n !== table.name) : [...now, table.name]))} />
        ))}
        {!found.length && <li><Text size={200} className={s.quiet}>{tables.length ? 'Nothing matches.' : 'No table yet.'}</Text></li>}
      </ul>
    </div>
  )
}

const OneTable = ({ table, open, onToggle, onInsert }: {
  table: LogsTable
  open: boolean
  onToggle: () => void
  onInsert: (text: string) => void
}) => {
  const s = useStyles()
  const size = `${count(table.n_hot_rows, 'row')} in memory (${bytes(table.hot_bytes)}), ${count(table.n_files, 'file')}`
  return (
    <li>
      <div className={s.line}>
        <Button size="small" appearance="transparent" className={s.toggle} aria-expanded={open} aria-label={`Columns of ${table.name}`}
          icon={open ? <ChevronDownRegular /> : <ChevronRightRegular />} onClick={onToggle} />
        <Tooltip content={size} relationship="description">
          <Button size="small" appearance="subtle" className={s.name} icon={<TableRegular />} onClick={() => onInsert(table.name)}>
            {table.name}
          </Button>
        </Tooltip>
        {table.trouble && (
          <Tooltip content={sentences(`the last commit failed: ${table.trouble}`, 'it is tried again')} relationship="label">
            <span className={s.warn} tabIndex={0} role="img"><WarningFilled /></span>
          </Tooltip>
        )}
      </div>
      {open && (
        <ul className={s.columns}>
          {table.columns.map(({ name, type, meaning }) => (
            <li key={name}>
              <Button size="small" appearance="subtle" className={s.column} onClick={() => onInsert(name)} title={meaning ?? undefined}>
                <span className={s.cut}>{name}</span>
                <Text size={200} className={s.quiet}>{type}</Text>
              </Button>
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}
