// The answer of a run: how it stands, a chart where the query asks for one, and the rows.
import {
  Button, Menu, MenuItem, MenuItemCheckbox, MenuItemRadio, MenuList, MenuPopover, MenuTrigger, ProgressBar, SearchBox, Tab, TabList, Text, makeStyles,
  tokens,
} from '@fluentui/react-components'
import { ArrowDownloadRegular, ChartMultipleRegular, ColumnEditRegular } from '@fluentui/react-icons'
import { Suspense, lazy, useDeferredValue, useEffect, useMemo, useState } from 'react'
import { count, duration, sentences } from '../../format'
import { useTheme } from '../../frame/theme'
import { Boundary, Loading } from '../../parts/Guard'
import { Note } from '../../parts/Page'
import { Grid, type Sort } from './Grid'
import { RowDrawer } from './RowDrawer'
import { KINDS, type Kind, cardOf, chartOf, kindOf, readRender } from './chart'
import type { Result, Run } from './run'
import { timespanText } from './timespan'
import { type Row, cellText, comparer, toCsv, toJson } from './values'

const ChartView = lazy(() => import('./ChartView'))

const useStyles = makeStyles({
  root: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '8px', minWidth: 0 },
  bar: { display: 'flex', alignItems: 'center', gap: '8px', flexWrap: 'wrap', minHeight: '32px' },
  gap: { flexGrow: 1 },
  quiet: { color: tokens.colorNeutralForeground2 },
  chart: { padding: '12px 16px', border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground1, display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '8px' },
  cards: { display: 'flex', flexWrap: 'wrap', gap: '32px' },
  card: { display: 'grid', gap: '2px' },
  big: { fontSize: tokens.fontSizeHero800, lineHeight: tokens.lineHeightHero800, fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere' },
})

const download = (name: string, type: string, body: string) => {
  const url = URL.createObjectURL(new Blob([body], { type }))
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  URL.revokeObjectURL(url)
}

/** The rows that hold the text somewhere, sorted; the same array when there is nothing to do. */
const viewOf = ({ columns, rows }: Result, n: number, filter: string, sort: Sort | undefined): readonly Row[] => {
  const wanted = filter.trim().toLowerCase()
  const all = rows.slice(0, n)
  const found = wanted ? all.filter((row) => columns.some((c, i) => cellText(c, row[i]).toLowerCase().includes(wanted))) : all
  const by = sort && columns[sort.column]
  return by && sort ? [...found].sort(comparer(by, sort.column, sort.descending)) : found
}

/** How a run stands, in words. */
const stateText = (run: Run): string => {
  const rows = count(run.n, 'row')
  const took = duration(run.end?.elapsed_ms ?? (run.ended_at ?? Date.now()) - run.started_at)
  switch (run.state) {
    case 'running': return `${rows} so far`
    case 'whole': return `${rows} in ${took}`
    case 'cancelled': return `Cancelled after ${took}; ${rows} had come`
    case 'failed': return `Failed after ${took}; ${rows} had come`
  }
}

export const Results = ({ run }: { run: Run }) => {
  const s = useStyles()
  const [nth, setNth] = useState(0)
  useEffect(() => setNth(0), [run.id])
  const result = run.results[nth] ?? run.results[0]
  return (
    <section className={s.root} aria-label="Answer">
      {run.state === 'running' && <ProgressBar aria-label="The query runs" />}
      {run.fault && (
        <div role="alert">
          <Note intent="error" title={sentences(run.fault.message)}
            text={<>{sentences(run.fault.detail, run.fault.hint)} ({run.fault.code}{run.fault.request_id ? `, request ${run.fault.request_id}` : ''})</>} />
        </div>
      )}
      {run.state === 'whole' && run.end?.truncated && (
        <Note intent="warning" title="Rows were left out."
          text={`The answer has more than the ${run.n.toLocaleString('en')} rows that were sent. Summarize, or take a shorter time range, to see all of it.`} />
      )}
      {run.warnings.length > 0 && (
        <Note intent="info" title={count(run.warnings.length, 'remark') + '.'} text={run.warnings.map((w) => sentences(w.message)).join(' ')} />
      )}
      {run.results.length > 1 && (
        <TabList selectedValue={nth} onTabSelect={(_, data) => setNth(data.value as number)} aria-label="Results">
          {run.results.map((one, i) => <Tab key={i} value={i}>{one.name || 'Result'}</Tab>)}
        </TabList>
      )}
      {result && result.columns.length > 0
        ? <Boundary key={`${run.id}-${nth}`}><OneResult run={run} result={result} /></Boundary>
        : <Text size={200} role="status" className={s.quiet}>{stateText(run)}</Text>}
    </section>
  )
}

const OneResult = ({ run, result }: { run: Run; result: Result }) => {
  const s = useStyles()
  const { columns } = result
  const n = result.rows.length
  const render = useMemo(() => readRender(run.end?.render), [run.end])
  const byRender = kindOf(render)
  const [chosen, setChosen] = useState<Kind | 'none'>()
  const kind = chosen ?? byRender ?? 'none'
  const [filter, setFilter] = useState('')
  const deferred = useDeferredValue(filter)
  const [sort, setSort] = useState<Sort>()
  const [hidden, setHidden] = useState<readonly number[]>([])
  const [open, setOpen] = useState<{ row: number; column: number }>()
  const rows = useMemo(() => viewOf(result, n, deferred, sort), [result, n, deferred, sort])
  const shown = useMemo(() => columns.map((_, i) => i).filter((i) => !hidden.includes(i)), [columns, hidden])
  const choose = (ids: string[]) => {
    if (ids.length) setHidden(columns.map((_, i) => i).filter((i) => !ids.includes(String(i))))
  }
  const save = (format: 'csv' | 'json') => {
    const names = shown.map((i) => columns[i]).filter((c) => c !== undefined)
    const cells = rows.map((row) => shown.map((i) => row[i]))
    const name = `logs-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`
    if (format === 'csv') download(`${name}.csv`, 'text/csv', toCsv(names, cells))
    else download(`${name}.json`, 'application/json', toJson(names, cells))
  }
  return (
    <>
      <div className={s.bar}>
        <Text weight="semibold" role="status">
          {stateText(run)}{rows.length === n ? '' : `; ${rows.length.toLocaleString('en')} match the filter`}
        </Text>
        <span className={s.gap} />
        <SearchBox size="small" value={filter} placeholder="Filter rows" aria-label="Filter rows" onChange={(_, data) => setFilter(data.value)} />
        <Menu checkedValues={{ kind: [kind] }} onCheckedValueChange={(_, data) => setChosen(data.checkedItems[0] as Kind | 'none')}>
          <MenuTrigger disableButtonEnhancement>
            <Button size="small" appearance="subtle" icon={<ChartMultipleRegular />}>{kind === 'none' ? 'Chart' : KINDS[kind]}</Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              <MenuItemRadio name="kind" value="none">No chart</MenuItemRadio>
              {Object.entries(KINDS).map(([id, text]) => <MenuItemRadio key={id} name="kind" value={id}>{text}</MenuItemRadio>)}
            </MenuList>
          </MenuPopover>
        </Menu>
        <Menu checkedValues={{ columns: shown.map(String) }} onCheckedValueChange={(_, data) => choose(data.checkedItems)}>
          <MenuTrigger disableButtonEnhancement>
            <Button size="small" appearance="subtle" icon={<ColumnEditRegular />}>Columns</Button>
          </MenuTrigger>
          <MenuPopover style={{ maxHeight: '60vh', overflowY: 'auto' }}>
            <MenuList>
              {columns.map((c, i) => <MenuItemCheckbox key={i} name="columns" value={String(i)}>{c.name}</MenuItemCheckbox>)}
            </MenuList>
          </MenuPopover>
        </Menu>
        <Menu>
          <MenuTrigger disableButtonEnhancement>
            <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />}>Export</Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              <MenuItem onClick={() => save('csv')}>As CSV</MenuItem>
              <MenuItem onClick={() => save('json')}>As JSON</MenuItem>
            </MenuList>
          </MenuPopover>
        </Menu>
      </div>
      {kind !== 'none' && run.state !== 'running' && (
        <ChartPart kind={kind} result={result} n={n} render={kind === byRender ? render : undefined} />
      )}
      <Grid label={result.name || 'Rows of the answer'} columns={columns} shown={shown} rows={rows} sort={sort} onSort={setSort}
        onOpen={(row, column) => setOpen({ row, column })} />
      {rows.length === 0 && (n > 0 || run.state === 'whole') && (
        <Text className={s.quiet}>
          {n > 0 ? `Nothing matches “${filter}”.` : `Nothing was found. Time range: ${timespanText(run.timespan)}.`}
        </Text>
      )}
      {open && (
        <RowDrawer columns={columns} rows={rows} at={open.row} column={open.column} onClose={() => setOpen(undefined)}
          onGo={(row) => setOpen({ ...open, row })} />
      )}
    </>
  )
}

const ChartPart = ({ kind, result, n, render }: { kind: Kind; result: Result; n: number; render: ReturnType<typeof readRender> }) => {
  const s = useStyles()
  const theme = useTheme()
  const { columns } = result
  const chart = useMemo(
    () => (kind === 'card' ? undefined : chartOf(kind, columns, result.rows.slice(0, n), render)),
    [kind, columns, result, n, render],
  )
  const title = render?.properties.title
  return (
    <section className={s.chart} aria-label="Chart">
      {title && <Text weight="semibold">{title}</Text>}
      {kind === 'card' && (
        <div className={s.cards}>
          {cardOf(columns, result.rows).map((one) => (
            <div key={one.name} className={s.card}>
              <span className={s.big}>{one.value}</span>
              <Text className={s.quiet}>{one.name}</Text>
            </div>
          ))}
        </div>
      )}
      {typeof chart === 'string' && <Text className={s.quiet}>{chart} The rows stand below.</Text>}
      {typeof chart === 'object' && (
        <>
          <Boundary><Suspense fallback={<Loading lines={8} />}><ChartView chart={chart} theme={theme.name} text={theme.theme.colorNeutralForeground1} line={theme.theme.colorNeutralStroke1} /></Suspense></Boundary>
          {chart.missing.map((text) => <Text key={text} size={200} className={s.quiet}>{text}</Text>)}
        </>
      )}
    </section>
  )
}
