// A complete list: sorting and filter in the URL, chosen columns, arrow keys, CSV.
import {
  Button, Menu, MenuItemCheckbox, MenuList, MenuPopover, MenuTrigger, SearchBox, Text, makeStyles, mergeClasses, tokens,
} from '@fluentui/react-components'
import { ArrowDownRegular, ArrowDownloadRegular, ArrowUpRegular, ColumnEditRegular } from '@fluentui/react-icons'
import {
  columnFilteringFeature, columnVisibilityFeature, createColumnHelper, createFilteredRowModel, createSortedRowModel,
  globalFilteringFeature, rowSortingFeature, tableFeatures, useTable,
} from '@tanstack/react-table'
import { type KeyboardEvent, type ReactNode, useMemo, useState } from 'react'
import { count, csv } from '../format'
import { list, text, useSearchParams } from '../search'

export interface Column<T> {
  id: string
  title: string
  /** What is sorted by, searched in and exported. */
  value: (row: T) => string | number | boolean | null | undefined
  /** What is seen, when it is more than the value. */
  cell?: (row: T) => ReactNode
  align?: 'end'
  width?: string
  mono?: boolean
  /** Shown only when chosen. */
  hidden?: boolean
}

export interface DataTableProps<T> {
  /** For the caption and the name of the CSV file. */
  name: string
  rows: T[]
  columns: Column<T>[]
  rowId: (row: T) => string
  /** What one row is called, for the count. */
  noun: string
  plural?: string
  empty?: ReactNode
  /** More filters, beside the search box. */
  filters?: ReactNode
  /** First sorting: a column's id, `-id` for descending. */
  sort?: string
  /** When two tables stand on one page: a prefix for their search parameters. */
  urlKey?: string
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const features: any = tableFeatures({
  rowSortingFeature, columnFilteringFeature, globalFilteringFeature, columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(), filteredRowModel: createFilteredRowModel(),
} as never)

const useStyles = makeStyles({
  root: { display: 'grid', gap: '8px', minWidth: 0 },
  bar: { display: 'flex', alignItems: 'center', gap: '8px', flexWrap: 'wrap' },
  gap: { flexGrow: 1 },
  count: { color: tokens.colorNeutralForeground2 },
  scroll: { overflowX: 'auto', border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground1 },
  table: { width: '100%', borderCollapse: 'collapse', fontSize: tokens.fontSizeBase300 },
  head: { backgroundColor: tokens.colorNeutralBackground2 },
  th: { textAlign: 'start', fontWeight: tokens.fontWeightSemibold, padding: 0, whiteSpace: 'nowrap',
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  sort: {
    display: 'inline-flex', alignItems: 'center', gap: '4px', width: '100%', padding: '8px 14px', border: 'none',
    background: 'none', font: 'inherit', color: 'inherit', cursor: 'pointer', textAlign: 'start',
    ':hover': { backgroundColor: tokens.colorNeutralBackground2Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  tr: { ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover },
    ':not(:last-child)': { borderBottom: `1px solid ${tokens.colorNeutralStroke3}` } },
  td: { padding: '8px 14px', verticalAlign: 'middle', minWidth: 0, overflowWrap: 'break-word' },
  end: { textAlign: 'end', fontVariantNumeric: 'tabular-nums', '& button': { justifyContent: 'flex-end' } },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
  none: { padding: '20px 14px', color: tokens.colorNeutralForeground2 },
})

/** So many rows are drawn at once: more than a person reads, less than a browser feels. */
const DRAWN_ROWS = 400

const FOCUSABLE = 'a[href], button:not([disabled]), [tabindex="0"]'

/** Up and down go to the same thing in the next row, Home and End to the ends. */
const moveFocus = (event: KeyboardEvent<HTMLTableSectionElement>) => {
  const here = (event.target as HTMLElement).closest('tr')
  const target = event.target as HTMLElement
  if (!here || target.matches('input, textarea, select, [role=combobox]')) return
  const rows = [...event.currentTarget.rows]
  const i = rows.indexOf(here)
  const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: rows.length - 1 }[event.key]
  const row = to === undefined ? undefined : rows[to]
  if (!row) return
  const nth = [...here.querySelectorAll(FOCUSABLE)].indexOf(target)
  const found = row.querySelectorAll<HTMLElement>(FOCUSABLE)
  const next = found[Math.min(Math.max(nth, 0), found.length - 1)]
  if (!next) return
  event.preventDefault()
  next.focus()
}

const download = (name: string, body: string) => {
  const url = URL.createObjectURL(new Blob([body], { type: 'text/csv' }))
  const a = document.createElement('a')
  a.href = url
  a.download = `${name}.csv`
  a.click()
  URL.revokeObjectURL(url)
}

export const DataTable = <T,>(props: DataTableProps<T>) => {
  const { name, rows, columns, rowId, noun, plural, empty, filters, sort = '', urlKey = '' } = props
  const s = useStyles()
  const schema = useMemo(
    () => ({ [`${urlKey}q`]: text(), [`${urlKey}sort`]: text(sort), [`${urlKey}columns`]: list }),
    [urlKey, sort],
  )
  const [search, setSearch] = useSearchParams(schema) as unknown as [Record<string, never>, (c: object) => void]
  const q = (search[`${urlKey}q`] ?? '') as string
  const sorted = (search[`${urlKey}sort`] ?? '') as string
  const chosen = (search[`${urlKey}columns`] ?? []) as string[]
  const byDefault = columns.filter((c) => !c.hidden).map((c) => c.id)
  const visible = chosen.length ? chosen : byDefault

  const defs = useMemo(() => {
    const helper = createColumnHelper<never, never>() as never as {
      accessor: (fn: (row: T) => unknown, def: object) => unknown
    }
    return columns.map((c) => helper.accessor(c.value, { id: c.id, header: c.title, sortFn, sortUndefined: 'last' }))
  }, [columns])
  const table = useTable({
    features,
    columns: defs as never,
    data: rows as never,
    getRowId: rowId as never,
    state: {
      globalFilter: q,
      sorting: sorted ? [{ id: sorted.replace(/^-/, ''), desc: sorted.startsWith('-') }] : [],
      columnVisibility: Object.fromEntries(columns.map((c) => [c.id, visible.includes(c.id)])),
    },
    globalFilterFn: contains,
    getColumnCanGlobalFilter: () => true,
  } as never) as unknown as {
    getRowModel: () => { rows: { id: string; original: T }[] }
  }
  const shown = table.getRowModel().rows
  const [drawn, setDrawn] = useState(DRAWN_ROWS)
  const seen = columns.filter((c) => visible.includes(c.id))
  const sortBy = (id: string) =>
    setSearch({ [`${urlKey}sort`]: sorted === id ? `-${id}` : sorted === `-${id}` ? '' : id })
  const choose = (ids: string[]) => {
    const kept = columns.map((c) => c.id).filter((id) => ids.includes(id))
    if (kept.length) setSearch({ [`${urlKey}columns`]: kept.join() === byDefault.join() ? [] : kept })
  }
  if (rows.length === 0 && empty) return <>{empty}</>
  const all = count(rows.length, noun, plural)
  return (
    <div className={s.root}>
      <div className={s.bar}>
        <SearchBox size="small" value={q} placeholder={`Filter ${plural ?? `${noun}s`}`} aria-label={`Filter ${name}`}
          onChange={(_, data) => setSearch({ [`${urlKey}q`]: data.value })} />
        {filters}
        <span className={s.gap} />
        <Text size={200} className={s.count} role="status">
          {shown.length === rows.length ? all : `${shown.length} of ${all}`}
        </Text>
        <Menu checkedValues={{ columns: visible }} onCheckedValueChange={(_, data) => choose(data.checkedItems)}>
          <MenuTrigger disableButtonEnhancement>
            <Button size="small" appearance="subtle" icon={<ColumnEditRegular />}>Columns</Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              {columns.map((c) => (
                <MenuItemCheckbox key={c.id} name="columns" value={c.id}>{c.title}</MenuItemCheckbox>
              ))}
            </MenuList>
          </MenuPopover>
        </Menu>
        <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />}
          onClick={() => download(name, csv([seen.map((c) => c.title), ...shown.map((r) => seen.map((c) => c.value(r.original)))]))}>
          CSV
        </Button>
      </div>
      <div className={s.scroll} tabIndex={0} role="group" aria-label={`Table of ${name}`}>
        <table className={s.table}>
          <thead className={s.head}>
            <tr>
              {seen.map((c) => {
                const by = sorted === c.id ? 'ascending' : sorted === `-${c.id}` ? 'descending' : 'none'
                return (
                  <th key={c.id} scope="col" aria-sort={by} style={c.width ? { width: c.width } : undefined}
                    className={mergeClasses(s.th, c.align && s.end)}>
                    <button type="button" className={s.sort} onClick={() => sortBy(c.id)}>
                      {c.title}
                      {by === 'ascending' && <ArrowUpRegular aria-hidden />}
                      {by === 'descending' && <ArrowDownRegular aria-hidden />}
                    </button>
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody onKeyDown={moveFocus}>
            {shown.slice(0, drawn).map((row) => (
              <tr key={row.id} className={s.tr}>
                {seen.map((c) => (
                  <td key={c.id} className={mergeClasses(s.td, c.align && s.end, c.mono && s.mono)}>
                    {c.cell ? c.cell(row.original) : String(c.value(row.original) ?? '–')}
                  </td>
                ))}
              </tr>
            ))}
            {shown.length === 0 && (
              <tr><td className={s.none} colSpan={seen.length}>Nothing matches “{q}”.</td></tr>
            )}
          </tbody>
        </table>
      </div>
      {shown.length > drawn && (
        <Button onClick={() => setDrawn(drawn + DRAWN_ROWS)}>
          Show {Math.min(DRAWN_ROWS, shown.length - drawn)} more of {shown.length - drawn}
        </Button>
      )}
    </div>
  )
}

interface Row { getValue: (id: string) => unknown }

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** Numbers by size, words as a person sorts them: demo2 before demo10. */
export const compare = (a: unknown, b: unknown): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return collator.compare(String(a ?? ''), String(b ?? ''))
}
const sortFn = (a: Row, b: Row, id: string) => compare(a.getValue(id), b.getValue(id))

const contains = (row: Row, id: string, wanted: string) =>
  String(row.getValue(id) ?? '').toLowerCase().includes(wanted.trim().toLowerCase())
