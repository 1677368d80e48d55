// Failures that somebody answers for, on this server and on all.
import { Button, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { PostureWaiver } from '../../api/types'
import { shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { type Column, DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { useServer } from '../servers/useServer'
import { postureKey, waiversKey, waiversQuery } from './api'

const pathOf = ({ id, server }: PostureWaiver): string =>
  server ? apiPath`/servers/${server}/baseline/waivers/${id}` : apiPath`/baseline/waivers/${id}`

const unwaiveLine = (waiver: PostureWaiver): CliLine => ({
  title: 'Take the waiver away', cli: `pgkeep baseline unwaive ${waiver.id}`, method: 'DELETE', path: pathOf(waiver),
})

export const Waivers = () => {
  const { name } = useServer()
  const query = useQuery(waiversQuery)
  const client = useQueryClient()
  const may = useMay()
  const [ending, setEnding] = useState<PostureWaiver>()
  const mayEnd = (one: PostureWaiver) => may(one.server ? 'server_waiver_delete' : 'waiver_delete')
  return (
    <Page
      title="Waivers"
      crumbs={postureCrumbs(name)}
      tabs={postureTabs(name)}
      lead="Failures that somebody answers for, until a day. A waiver changes no verdict: the failure stays one, breaks no gate, and counts again the day after."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[
        { title: 'List the waivers', cli: `pgkeep baseline waivers -s ${shell(name)} -o json`, path: '/baseline/waivers' },
        {
          title: 'Waive a failure', method: 'POST', path: apiPath`/servers/${name}/baseline/waivers`,
          cli: `pgkeep baseline waive ID -s ${shell(name)} --reason REASON --owner OWNER --until DATE`,
        },
      ]}
    >
      <Guard query={query} what="Waivers">
        {(all) => (
          <DataTable
            name={`waivers-${name}`}
            noun="waiver"
            rows={all.filter((one) => !one.server || one.server === name)}
            rowId={(one) => one.id}
            sort="until"
            columns={columnsOf(name, mayEnd, setEnding)}
            empty={
              <Empty
                title="Nothing is waived"
                text="Where a failure is accepted for a reason, open the check and choose Waive: who answers for it, why, and until when."
                cli={`pgkeep baseline waive ID -s ${shell(name)} --reason REASON --owner OWNER --until DATE`}
                actions={<Link to={paths.serverPosture(name)}>Recommendations</Link>}
              />
            }
          />
        )}
      </Guard>
      {ending && (
        <DangerDialog
          open
          onClose={() => setEnding(undefined)}
          title={`Take the waiver of ${ending.check} away?`}
          preview={<Text>{ending.server ? `On ${ending.server}` : 'On all servers'} the failure counts again at once. {ending.owner} answered for it: {ending.reason}</Text>}
          submit="Take away"
          run={async () => {
            await api.delete(pathOf(ending))
            await client.invalidateQueries({ queryKey: waiversKey })
            await client.invalidateQueries({ queryKey: postureKey(name) })
          }}
          line={unwaiveLine(ending)}
        />
      )}
    </Page>
  )
}

const columnsOf = (name: string, mayEnd: (one: PostureWaiver) => boolean, end: (one: PostureWaiver) => void): Column<PostureWaiver>[] => [
  { id: 'check', title: 'Check', value: (one) => one.check, cell: (one) => <Link to={paths.serverPosture(name, { verdict: 'all', check: one.check })}>{one.check}</Link> },
  { id: 'what', title: 'What', value: (one) => (one.finding ? `finding ${one.finding}` : 'all findings') },
  { id: 'where', title: 'Where', value: (one) => one.server ?? 'all servers' },
  { id: 'owner', title: 'Owner', value: (one) => one.owner },
  { id: 'reason', title: 'Reason', value: (one) => one.reason },
  { id: 'approver', title: 'Approved by', value: (one) => one.approver ?? '–' },
  {
    id: 'until', title: 'Until', value: (one) => one.until,
    cell: (one) => <Badge tone={one.lapsed ? 'bad' : 'good'}>{one.lapsed ? `ended on ${one.until}` : one.until}</Badge>,
  },
  { id: 'by', title: 'Made by', hidden: true, value: (one) => one.created_by },
  { id: 'made', title: 'Made', hidden: true, value: (one) => one.created_at, cell: (one) => <Time at={one.created_at} /> },
  {
    id: 'end', title: 'End', value: () => '',
    cell: (one) => mayEnd(one) && <Button size="small" aria-label={`Take waiver ${one.id} of ${one.check} away`} onClick={() => end(one)}>Take away…</Button>,
  },
]
