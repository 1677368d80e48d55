// The tables of the log lake: what they hold, how long, and what is to go.
import { Button, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular, SearchRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { LogsTable } from '../../api/types'
import { bytes, count, sentences } from '../../format'
import { type Column, DataTable } from '../../parts/DataTable'
import { Guard } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { paths } from '../../paths'
import { tablesQuery } from '../logs/api'
import { TableDrawer } from './TableDrawer'
import { kept } from './model'

export const TablesPage = () => {
  const query = useQuery(tablesQuery)
  const client = useQueryClient()
  const [chosen, setChosen] = useState<string>()
  const ill = query.data?.filter((table) => table.trouble) ?? []
  const table = query.data?.find((one) => one.name === chosen)
  return (
    <Page
      title="Tables"
      lead="Where events are kept. What came in the last minute is in the write-ahead log and in memory, the rest in files of open Delta tables."
      actions={[
        { label: 'Search the logs', icon: <SearchRegular />, to: paths.logs() },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[{ title: 'List the tables', cli: 'pgkeep logs tables -o json', path: '/logs/tables' }]}
      messages={[
        ill.length > 0 && {
          intent: 'warning',
          title: `${count(ill.length, 'table')} ${ill.length === 1 ? 'needs' : 'need'} attention.`,
          text: sentences(...ill.map((one) => `${one.name}: ${one.trouble ?? ''}`)),
        },
      ]}
    >
      <Guard query={query} what="Tables">
        {(rows) => (
          <DataTable name="tables" noun="table" rows={rows} rowId={(row) => row.name} sort="-bytes" columns={columnsOf(setChosen)} />
        )}
      </Guard>
      {table && (
        <TableDrawer
          key={table.name}
          table={table}
          onClose={() => setChosen(undefined)}
          refresh={() => client.invalidateQueries({ queryKey: tablesQuery.queryKey })}
        />
      )}
    </Page>
  )
}

const columnsOf = (choose: (name: string) => void): Column<LogsTable>[] => [
  {
    id: 'name', title: 'Table', value: (one) => one.name,
    cell: (one) => <Button appearance="transparent" onClick={() => choose(one.name)}>{one.name}</Button>,
  },
  { id: 'columns', title: 'Columns', align: 'end', value: (one) => one.columns.length },
  { id: 'hot', title: 'Rows in memory', align: 'end', value: (one) => one.n_hot_rows, cell: (one) => one.n_hot_rows.toLocaleString('en') },
  { id: 'files', title: 'Files', align: 'end', value: (one) => one.n_files },
  { id: 'bytes', title: 'Bytes', align: 'end', value: (one) => one.file_bytes + one.hot_bytes, cell: (one) => bytes(one.file_bytes + one.hot_bytes) },
  { id: 'kept', title: 'Kept', value: (one) => one.retention_days ?? Number.MAX_SAFE_INTEGER, cell: kept },
  { id: 'trouble', title: 'Trouble', value: (one) => one.trouble ?? '', cell: (one) => <Text>{one.trouble ? sentences(one.trouble) : '–'}</Text> },
]
