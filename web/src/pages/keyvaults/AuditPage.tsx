// What was asked of a vault, by whom, and how it ended: newest first, from the hash-chained audit.
import { Button, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { DataTable } from '../../parts/DataTable'
import { Empty, Fault, Loading } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { auditPage } from './api'
import type { AuditRecord } from './model'
import { keyvaultCrumbs, keyvaultTabs } from '../../parts/tabs'

const useStyles = makeStyles({
  more: { display: 'flex', gap: '12px', alignItems: 'center' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

export const AuditPage = ({ vault }: { vault: string }) => {
  const s = useStyles()
  const query = useInfiniteQuery({
    queryKey: ['keyvaults', vault, 'audit'],
    queryFn: ({ pageParam, signal }) => auditPage(vault, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  })
  const rows = query.data?.pages.flatMap((page) => page.items)
  return (
    <Page
      title="Audit"
      crumbs={keyvaultCrumbs(vault)}
      tabs={keyvaultTabs(vault)}
      lead="Every request is written down and safe on disk before it is answered. Each record fixes all before it by its hash."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[{ title: 'Read the audit', path: apiPath`/keyvaults/${vault}/audit` }]}
    >
      {!rows && query.error && <Fault error={query.error} what="Audit" again={() => void query.refetch()} />}
      {!rows && !query.error && <Loading lines={10} />}
      {rows && (
        <>
          <DataTable
            name={`audit-${vault}`}
            noun="record"
            rows={rows}
            rowId={(row) => String(row.seq)}
            sort="-seq"
            empty={
              <Empty title="No record yet" text="As soon as anybody asks this vault for anything, it stands here: who, what, whether it was allowed." />
            }
            columns={columns}
          />
          <div className={s.more}>
            {query.hasNextPage ? (
              <>
                <Button disabledFocusable={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {query.isFetchingNextPage ? 'Loading…' : 'Load older records'}
                </Button>
                <Text className={s.quiet}>Filter and sorting reach what is loaded.</Text>
              </>
            ) : (
              rows.length > 0 && <Text className={s.quiet}>This is the beginning of the audit.</Text>
            )}
          </div>
        </>
      )}
    </Page>
  )
}

const columns = [
  { id: 'seq', title: 'No.', align: 'end' as const, value: (row: AuditRecord) => row.seq },
  { id: 'at', title: 'When', value: (row: AuditRecord) => row.at, cell: (row: AuditRecord) => <Time at={row.at} /> },
  { id: 'operation', title: 'What', value: (row: AuditRecord) => row.operation },
  {
    id: 'who',
    title: 'Who',
    value: (row: AuditRecord) => row.acting ?? row.principal,
  },
  { id: 'through', title: 'Through', value: (row: AuditRecord) => (row.acting ? 'portal or API' : 'itself') },
  { id: 'object', title: 'On', value: (row: AuditRecord) => objectOf(row.object), mono: true },
  {
    id: 'result',
    title: 'Result',
    value: (row: AuditRecord) => (row.success ? 'done' : `refused ${row.status}`),
    cell: (row: AuditRecord) =>
      row.success ? <Badge tone="good">Done</Badge> : <Badge tone="bad">Refused ({row.status})</Badge>,
  },
  { id: 'why', title: 'Why refused', value: (row: AuditRecord) => row.description || '' },
  { id: 'from', title: 'From', value: (row: AuditRecord) => row.caller_address, mono: true, hidden: true },
  { id: 'request', title: 'Request', value: (row: AuditRecord) => row.correlation_id, mono: true, hidden: true },
  { id: 'took', title: 'Took (ms)', align: 'end' as const, value: (row: AuditRecord) => row.duration_ms, hidden: true },
  { id: 'hash', title: 'Hash', value: (row: AuditRecord) => row.hash, mono: true, hidden: true },
]

/** The key at the end of an address; the address itself when it is about something else. */
const objectOf = (text: string) => /\/keys\/([^/]+)/.exec(text)?.[1] ?? (/^https:\/\/[^/]+\/?$/.test(text) ? 'the vault' : text)
