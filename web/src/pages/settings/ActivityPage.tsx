// Who did what through the API, newest first.
import { Button, Input, Select, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Fault, Loading } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { text, useSearchParams } from '../../search'
import { activityPage, rolesQuery } from './api'
import { type Act, matrix, operationWords } from './model'

const useStyles = makeStyles({
  more: { display: 'flex', gap: '12px', alignItems: 'center' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

const schema = { principal: text(), operation: text() }

export const ActivityPage = () => {
  const s = useStyles()
  const [search, setSearch] = useSearchParams(schema)
  const principal = useDeferredValue(search.principal)
  const operation = useDeferredValue(search.operation)
  const query = useInfiniteQuery({
    queryKey: ['activity', principal, operation],
    queryFn: ({ pageParam, signal }) => activityPage({ principal, operation }, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before) => before,
  })
  const roles = useQuery(rolesQuery)
  const known = matrix(roles.data ?? []).map(({ id }) => id)
  const operations = [...new Set([...known, search.operation].filter(Boolean))].sort()
  const rows = query.data?.pages.flatMap((page) => page.items)
  const filtered = search.principal !== '' || search.operation !== ''
  return (
    <Page
      title="Activity"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lead="Every change and every refusal, whoever made it and by whichever way: portal, API or command line."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[{ title: 'Read the activity', path: '/activity' }]}
    >
      {!rows && query.error && <Fault error={query.error} what="Activity" again={() => void query.refetch()} />}
      {!rows && !query.error && <Loading lines={10} />}
      {rows && (
        <>
          <DataTable
            name="activity"
            noun="entry"
            plural="entries"
            rows={rows}
            rowId={(row) => String(row.id)}
            {...(filtered
              ? {}
              : {
                  empty: (
                    <Empty title="Nothing yet" text="As soon as somebody changes something or is refused, it stands here with name, target and result." />
                  ),
                })}
            filters={
              <>
                <Input
                  size="small"
                  value={search.principal}
                  placeholder="Who, exactly"
                  aria-label="Only of this person"
                  onChange={(_, data) => setSearch({ principal: data.value })}
                />
                <Select
                  size="small"
                  value={search.operation}
                  aria-label="Only this operation"
                  onChange={(_, data) => setSearch({ operation: data.value })}
                >
                  <option value="">every operation</option>
                  {operations.map((id) => <option key={id} value={id}>{operationWords(id)}</option>)}
                </Select>
              </>
            }
            columns={columns}
          />
          <div className={s.more}>
            {query.hasNextPage ? (
              <>
                <Button disabledFocusable={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {query.isFetchingNextPage ? 'Loading…' : 'Load older entries'}
                </Button>
                <Text className={s.quiet}>“Who” and “Operation” reach everything; the filter and sorting what is loaded.</Text>
              </>
            ) : (
              rows.length > 0 && <Text className={s.quiet}>There is nothing older.</Text>
            )}
          </div>
        </>
      )}
    </Page>
  )
}

const columns: Column<Act>[] = [
  { id: 'at', title: 'When', value: (row) => row.at, cell: (row) => <Time at={row.at} /> },
  { id: 'principal', title: 'Who', value: (row) => row.principal || 'not signed in' },
  { id: 'kind', title: 'By', value: (row) => row.kind ?? '' },
  { id: 'operation', title: 'What', value: (row) => operationWords(row.operation) },
  { id: 'target', title: 'On', value: (row) => row.target, mono: true },
  {
    id: 'status',
    title: 'Result',
    value: (row) => row.status,
    cell: (row) =>
      row.status < 400 ? (
        <Badge tone="good">Done ({row.status})</Badge>
      ) : row.status < 500 ? (
        <Badge tone="warn">Refused ({row.status})</Badge>
      ) : (
        <Badge tone="bad">Failed ({row.status})</Badge>
      ),
  },
  { id: 'request', title: 'Request', value: (row) => row.request_id, mono: true, hidden: true },
]
