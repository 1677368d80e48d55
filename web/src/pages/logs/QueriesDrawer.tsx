// Queries to take up again: the examples that come with pgkeep, those that were saved, those that ran.
import { Button, SearchBox, Tab, TabList, Text, makeStyles, tokens } from '@fluentui/react-components'
import { DeleteRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { SavedQuery } from '../../api/types'
import { count, duration } from '../../format'
import { useRun } from '../../frame/jobs'
import { DangerDialog } from '../../parts/Dialogs'
import { EditDrawer } from '../../parts/EditDrawer'
import { Empty, Guard } from '../../parts/Guard'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { deleteQuery, savedKey, savedQuery } from './api'
import { type Past, forgetAll, past } from './history'
import { timespanText } from './timespan'

export const SHELVES = { examples: 'Examples', saved: 'Saved', history: 'History' } as const
export type Shelf = keyof typeof SHELVES

const useStyles = makeStyles({
  list: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '12px', margin: 0, padding: 0, listStyleType: 'none' },
  item: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '6px', padding: '12px 14px', border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: tokens.borderRadiusLarge },
  head: { display: 'flex', gap: '8px', alignItems: 'center', justifyContent: 'space-between' },
  buttons: { display: 'flex', gap: '4px', flexShrink: 0 },
  quiet: { color: tokens.colorNeutralForeground2 },
  code: { margin: 0, fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere',
    maxHeight: '120px', overflow: 'hidden', padding: '8px 10px', backgroundColor: tokens.colorNeutralBackground3, borderRadius: tokens.borderRadiusMedium },
  category: { margin: '8px 0 0', fontSize: tokens.fontSizeBase300 },
})

interface Props {
  shelf: Shelf
  onShelf: (shelf: Shelf) => void
  onOpen: (query: string, timespan?: string, title?: string) => void
  onClose: () => void
}

export const QueriesDrawer = ({ shelf, onShelf, onOpen, onClose }: Props) => {
  const query = useQuery(savedQuery)
  const [typed, setTyped] = useState('')
  const [deleting, setDeleting] = useState<SavedQuery>()
  const run = useRun()
  const holds = (...texts: string[]) => texts.some((text) => text.toLowerCase().includes(typed.trim().toLowerCase()))
  const open = (text: string, timespan?: string, title?: string) => {
    onOpen(text, timespan, title)
    onClose()
  }
  return (
    <EditDrawer title="Queries" onClose={onClose}
      lines={[{ title: 'List saved queries', cli: 'pgkeep logs queries -o json', path: '/logs/saved-queries' }]}>
      <TabList selectedValue={shelf} onTabSelect={(_, data) => onShelf(data.value as Shelf)} aria-label="Which queries">
        {Object.entries(SHELVES).map(([id, text]) => <Tab key={id} value={id}>{text}</Tab>)}
      </TabList>
      <SearchBox size="small" value={typed} placeholder="Filter queries" aria-label="Filter queries" onChange={(_, data) => setTyped(data.value)} />
      {shelf === 'history' ? (
        <History holds={holds} onOpen={open} />
      ) : (
        <Guard query={query} what="Saved queries">
          {(all) => (
            <Saved
              all={all.filter((one) => Boolean(one.category) === (shelf === 'examples') && holds(one.name, one.description, one.query))}
              shelf={shelf} onOpen={open} onDelete={setDeleting}
            />
          )}
        </Guard>
      )}
      <DangerDialog
        open={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={`Delete “${deleting?.name ?? ''}”?`}
        preview={<Text>The query is forgotten for everybody who uses it. What it found is not touched.</Text>}
        submit="Delete"
        run={async () => {
          if (deleting) void run(() => deleteQuery(deleting.name), { title: `Delete the query ${deleting.name}`, changes: [savedKey] })
        }}
        line={{ title: 'Delete the query', method: 'DELETE', path: apiPath`/logs/saved-queries/${deleting?.name ?? ''}` }}
      />
    </EditDrawer>
  )
}

const Saved = ({ all, shelf, onOpen, onDelete }: {
  all: SavedQuery[]
  shelf: Shelf
  onOpen: Props['onOpen']
  onDelete: (one: SavedQuery) => void
}) => {
  const s = useStyles()
  if (!all.length)
    return (
      <Empty
        title={shelf === 'examples' ? 'No example here' : 'No saved query here'}
        text="Write a query and choose Save: it is then here for everybody who may read the logs."
      />
    )
  const categories = [...new Set(all.map((one) => one.category))]
  return (
    <>
      {categories.map((category) => (
        <section key={category} aria-label={category || 'Saved'}>
          {category && <h3 className={s.category}>{category}</h3>}
          <ul className={s.list}>
            {all.filter((one) => one.category === category).map((one) => (
              <li key={one.name} className={s.item}>
                <div className={s.head}>
                  <Text weight="semibold">{one.name}</Text>
                  <span className={s.buttons}>
                    {!one.category && (
                      <Button size="small" appearance="subtle" icon={<DeleteRegular />} aria-label={`Delete ${one.name}`} onClick={() => onDelete(one)} />
                    )}
                    <Button size="small" onClick={() => onOpen(one.query, undefined, one.name)} aria-label={`Open ${one.name}`}>Open</Button>
                  </span>
                </div>
                {one.description && <Text className={s.quiet}>{one.description}</Text>}
                <pre className={s.code}>{one.query}</pre>
                {one.saved_by && <Text size={200} className={s.quiet}>saved by {one.saved_by} <Time at={one.saved_at} age /></Text>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  )
}

const ended = (one: Past): string =>
  !one.ended ? '' : 'fault' in one.ended ? ` · ${one.ended.fault}` : ` · ${count(one.ended.rows, 'row')} in ${duration(one.ended.ms)}`

const History = ({ holds, onOpen }: { holds: (text: string) => boolean; onOpen: Props['onOpen'] }) => {
  const s = useStyles()
  const all = past.use()
  const found = all.filter((one) => holds(one.query))
  if (!all.length) return <Empty title="Nothing ran yet" text="The last hundred queries that you ran in this browser are kept here, and nowhere else." />
  return (
    <>
      <div className={s.head}>
        <Text size={200} className={s.quiet}>Kept in this browser only.</Text>
        <Button size="small" appearance="subtle" icon={<DeleteRegular />} onClick={forgetAll}>Clear</Button>
      </div>
      <ul className={s.list}>
        {found.map((one) => (
          <li key={one.at} className={s.item}>
            <div className={s.head}>
              <Text size={200} className={s.quiet}><Time at={one.at} age /> · {timespanText(one.timespan)}{ended(one)}</Text>
              <Button size="small" onClick={() => onOpen(one.query, one.timespan)}>Open</Button>
            </div>
            <pre className={s.code}>{one.query}</pre>
          </li>
        ))}
      </ul>
    </>
  )
}
