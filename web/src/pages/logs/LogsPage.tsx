// Questions to the log lake: tables at the left, the query, its answer.
import { Button, Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import {
  AddRegular, DismissRegular, LibraryRegular, PanelLeftRegular, PlayRegular, SaveRegular, ShareRegular, StopRegular,
  TextAlignLeftRegular,
} from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useRouter, useRouterState } from '@tanstack/react-router'
import { Suspense, lazy, useEffect, useRef, useState } from 'react'
import { useMay, useSession } from '../../api/queries'
import type { LogsCheck } from '../../api/types'
import { shell } from '../../format'
import { notify } from '../../frame/notify'
import { useTheme } from '../../frame/theme'
import { copyText } from '../../parts/Copy'
import type { CliLine } from '../../parts/CopyAsCli'
import { Boundary, Empty, Guard, Loading } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { paths } from '../../paths'
import { QueriesDrawer, type Shelf } from './QueriesDrawer'
import { Results } from './Results'
import { SaveDialog } from './SaveDialog'
import { TableBrowser } from './TableBrowser'
import { TimePicker } from './TimePicker'
import { checkQuery, tablesQuery } from './api'
import type { KqlHandle } from './editor/KqlEditor'
import { fromHash, toHash } from './share'
import { type QueryTab, TABS_MOST, closeTab, desk, goTab, newTab, openQuery, setTab, sitDown } from './tabs'
import { IN_QUERY } from './timespan'

const loadEditor = () => import('./editor/KqlEditor')
const KqlEditor = lazy(loadEditor)
// Begins before the page knows who asks; what fails here is said where the editor stands.
loadEditor().catch(() => {})

const NARROW = '@media (max-width: 1000px)'

const useStyles = makeStyles({
  root: { display: 'grid', gridTemplateColumns: '240px minmax(0, 1fr)', gap: '16px', minWidth: 0, alignItems: 'start',
    [NARROW]: { gridTemplateColumns: 'minmax(0, 1fr)' } },
  alone: { gridTemplateColumns: 'minmax(0, 1fr)' },
  tables: { height: 'max(360px, 66vh)', minHeight: 0, [NARROW]: { height: '200px' } },
  main: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '12px', minWidth: 0 },
  frame: { border: `1px solid ${tokens.colorNeutralStroke1}`, borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1, minWidth: 0 },
  strip: { display: 'flex', alignItems: 'center', flexWrap: 'wrap', gap: '2px', padding: '4px 6px', borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  tab: { display: 'inline-flex', alignItems: 'center', borderBottom: '2px solid transparent' },
  tabHere: { borderBottomColor: tokens.colorCompoundBrandStroke },
  tabName: { fontWeight: tokens.fontWeightRegular, maxWidth: '180px', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  tabNameHere: { fontWeight: tokens.fontWeightSemibold },
  close: { minWidth: '24px', width: '24px', padding: 0 },
  gap: { flexGrow: 1 },
  editor: { height: '220px', minHeight: '90px', resize: 'vertical', overflow: 'hidden' },
  hint: { color: tokens.colorNeutralForeground2 },
})

export const LogsPage = () => {
  const { data: session } = useSession()
  const { tabs, here, owner } = desk.use()
  useEffect(() => {
    if (session) sitDown(session.name)
  }, [session])
  const tab = tabs.find((one) => one.id === here)
  if (!session || owner !== session.name || !tab) return <Loading />
  return <Desk tab={tab} tabs={tabs} />
}

const queryLine = ({ query, timespan }: QueryTab): CliLine => ({
  title: 'Run the query',
  cli: `pgkeep logs query ${shell(query || 'PGSQLServerLogs | take 10')}${timespan === IN_QUERY ? '' : ` --timespan ${shell(timespan)}`} -o json`,
  method: 'POST',
  path: '/logs/query',
  body: { query: query || 'PGSQLServerLogs | take 10', ...(timespan === IN_QUERY ? {} : { timespan }) },
})

/** For whom the plane would not check: then the language service's marks stand. */
const unchecked = (): Promise<LogsCheck> => Promise.reject(new Error('not allowed'))

const WRITTEN_AFTER_MS = 400

/** The query at hand stands in the URL's fragment, and one that comes with a URL is opened. */
const useFragment = ({ query, timespan }: QueryTab) => {
  const router = useRouter()
  const hash = useRouterState({ select: (state) => state.location.hash })
  const written = useRef<string>(undefined)
  useEffect(() => {
    const now = window.location.hash.slice(1)
    if (!now || now === written.current) return
    written.current = now
    void fromHash(now).then((link) => {
      if (link) openQuery(link.query, link.timespan)
      else notify('warning', 'The link holds no query that can be read')
    })
  }, [hash])
  useEffect(() => {
    let over = false
    const timer = window.setTimeout(async () => {
      const text = query.trim() ? await toHash({ query, timespan }) : ''
      if (over || window.location.pathname !== paths.logs()) return
      written.current = text
      router.history.replace(`${paths.logs()}${window.location.search}${text && '#'}${text}`)
      written.current = window.location.hash.slice(1)
    }, WRITTEN_AFTER_MS)
    return () => {
      over = true
      window.clearTimeout(timer)
    }
  }, [router, query, timespan])
}

const Desk = ({ tab, tabs }: { tab: QueryTab; tabs: QueryTab[] }) => {
  const s = useStyles()
  const editor = useRef<KqlHandle>(null)
  const tables = useQuery(tablesQuery)
  const run = tab.runner.run.use()
  const may = useMay()
  const { name: theme } = useTheme()
  const [browsing, setBrowsing] = useState(true)
  const [shelf, setShelf] = useState<Shelf>()
  const [saving, setSaving] = useState(false)
  useFragment(tab)
  const running = run?.state === 'running'
  const start = () => {
    const wanted = editor.current?.wanted() ?? tab.query
    if (!wanted.trim()) return
    void tab.runner.start(wanted, tab.timespan)
  }
  const share = async () => {
    const url = `${window.location.origin}${paths.logs()}#${await toHash(tab)}`
    if (await copyText(url)) notify('success', 'The link is copied', 'Whoever opens it sees the query and its time range, and runs it with their own rights.')
  }
  const empty = !tab.query.trim() && 'Write a query first'
  return (
    <Page
      title="Logs"
      lead="Everything that was logged, asked in the Kusto Query Language."
      actions={[
        running
          ? { label: 'Cancel', icon: <StopRegular />, primary: true, onClick: tab.runner.cancel }
          : { label: 'Run', icon: <PlayRegular />, primary: true, onClick: start, refused: empty, needs: 'logs_query', line: queryLine(tab) },
        { label: 'Format', icon: <TextAlignLeftRegular />, onClick: () => editor.current?.format(), refused: empty },
        { label: 'Queries', icon: <LibraryRegular />, onClick: () => setShelf('examples') },
        { label: 'Save…', icon: <SaveRegular />, onClick: () => setSaving(true), refused: empty, needs: 'saved_query_set' },
        { label: 'Copy link', icon: <ShareRegular />, onClick: () => void share(), refused: empty },
        { label: browsing ? 'Hide tables' : 'Show tables', icon: <PanelLeftRegular />, onClick: () => setBrowsing(!browsing) },
      ]}
      lines={[
        ...(running ? [queryLine(tab)] : []),
        { title: 'List the tables', cli: 'pgkeep logs tables -o json', path: '/logs/tables' },
      ]}
    >
      <div className={mergeClasses(s.root, !browsing && s.alone)}>
        {browsing && (
          <section aria-label="Tables" className={s.tables}>
            <Guard query={tables} lines={8} what="Tables">
              {(all) => <TableBrowser tables={all} onInsert={(text) => editor.current?.insert(text)} />}
            </Guard>
          </section>
        )}
        <div className={s.main}>
          <div className={s.frame}>
            <div className={s.strip} role="group" aria-label="Open queries">
              {tabs.map((one) => (
                <span key={one.id} className={mergeClasses(s.tab, one.id === tab.id && s.tabHere)}>
                  <Button size="small" appearance="subtle" className={mergeClasses(s.tabName, one.id === tab.id && s.tabNameHere)}
                    aria-pressed={one.id === tab.id} onClick={() => goTab(one.id)}>
                    {one.title}
                  </Button>
                  {tabs.length > 1 && (
                    <Button size="small" appearance="transparent" className={s.close} icon={<DismissRegular fontSize={14} />}
                      aria-label={`Close ${one.title}`} onClick={() => closeTab(one.id)} />
                  )}
                </span>
              ))}
              {tabs.length < TABS_MOST && (
                <Button size="small" appearance="subtle" icon={<AddRegular />} aria-label="New query" onClick={newTab} />
              )}
              <span className={s.gap} />
              <TimePicker value={tab.timespan} onChange={(timespan) => setTab(tab.id, { timespan })} />
            </div>
            <div className={s.editor}>
              <Boundary>
                <Suspense fallback={<Loading lines={6} />}>
                  <KqlEditor key={tab.id} ref={editor} value={tab.query} onChange={(query) => setTab(tab.id, { query })} onRun={start}
                    check={may('logs_check') ? checkQuery : unchecked} theme={theme} tables={tables.data} />
                </Suspense>
              </Boundary>
            </div>
          </div>
          <Text size={200} className={s.hint}>
            Shift+Enter runs what is selected, or all. Ctrl+Space offers what fits. Ctrl+M lets Tab leave the editor.
          </Text>
          {run
            ? <Results run={run} />
            : (
              <Empty
                title="Ask something"
                text="Begin with a table, then say step by step what to keep. The examples are a good start; every one of them can be changed."
                cli={"pgkeep logs query 'PGSQLServerLogs | where ErrorLevel == \"ERROR\" | summarize count() by bin(TimeGenerated, 1h) | render timechart'"}
                actions={<Button onClick={() => setShelf('examples')}>See the examples</Button>}
              />
            )}
        </div>
      </div>
      {shelf && (
        <QueriesDrawer shelf={shelf} onShelf={setShelf} onClose={() => setShelf(undefined)}
          onOpen={(query, timespan, title) => openQuery(query, timespan ?? tab.timespan, title)} />
      )}
      <SaveDialog open={saving} title={tab.title} query={tab.query} onClose={() => setSaving(false)}
        onSaved={(title) => setTab(tab.id, { title })} />
    </Page>
  )
}
