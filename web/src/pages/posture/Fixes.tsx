// Fixes that pgkeep made on this server, and the way back from each.
import { Button, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { FixRecord } from '../../api/types'
import { sentences, shell } from '../../format'
import { finished } from '../../frame/finish'
import { type Column, DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Note, Page } from '../../parts/Page'
import { Badge, type Tone } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { useServer } from '../servers/useServer'
import { Changes } from './FixDialog'
import { fixesQuery, postureKey } from './api'

export const Fixes = () => {
  const { name } = useServer()
  const query = useQuery(fixesQuery(name))
  const client = useQueryClient()
  const may = useMay()
  const [undoing, setUndoing] = useState<FixRecord>()
  return (
    <Page
      title="Fixes"
      crumbs={postureCrumbs(name)}
      tabs={postureTabs(name)}
      lead="What pgkeep changed on this server to mend a check. Each can be taken back, all of it or nothing; where somebody changed the same since, it is refused."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[{ title: 'List the fixes', cli: 'pgkeep baseline fixes -o json', path: apiPath`/servers/${name}/baseline/fixes` }]}
    >
      <Guard query={query} what="Fixes">
        {(all) => (
          <DataTable
            name={`fixes-${name}`}
            noun="fix"
            plural="fixes"
            rows={all}
            rowId={(fix) => fix.fix_id}
            sort="-at"
            columns={columnsOf(name, may('fix_undo'), setUndoing)}
            empty={
              <Empty
                title="Nothing was mended here"
                text="Open a failure that pgkeep can mend and choose Mend: what would be done, who would be refused, then the proof and the way back."
                cli={`pgkeep baseline fix ID -s ${shell(name)} --dry-run`}
                actions={<Link to={paths.serverPosture(name)}>Recommendations</Link>}
              />
            }
          />
        )}
      </Guard>
      {undoing && (
        <DangerDialog
          open
          onClose={() => setUndoing(undefined)}
          title={`Take ${undoing.fix_id} back?`}
          preview={<><Text>This was done, and is taken back:</Text><Changes changes={undoing.changes} /></>}
          submit="Take back"
          run={async () => {
            try {
              const path = apiPath`/servers/${name}/baseline/fixes/${undoing.fix_id}/undo`
              const done = (await finished(await api.post(path))) as FixRecord
              const exact = done.undo_proof?.exact
              return <Note intent={exact === false ? 'warning' : 'success'} title={exact ? 'As it was, to the byte.' : 'Taken back.'} text={sentences(done.undo_proof?.reason)} />
            } finally {
              await client.invalidateQueries({ queryKey: postureKey(name) })
            }
          }}
          line={{ title: 'Take it back', cli: `pgkeep baseline undo ${undoing.fix_id} -s ${shell(name)}`, method: 'POST', path: apiPath`/servers/${name}/baseline/fixes/${undoing.fix_id}/undo` }}
        />
      )}
    </Page>
  )
}

const STATES: Record<string, [Tone, string]> = {
  applying: ['bad', 'Cut short'], applied: ['good', 'Holds'], 'needs-restart': ['warn', 'Waits for a start'],
  undone: ['quiet', 'Taken back'], failed: ['bad', 'Did not work, taken back'],
}

const columnsOf = (name: string, mayUndo: boolean, undo: (fix: FixRecord) => void): Column<FixRecord>[] => [
  { id: 'at', title: 'Made', value: (fix) => fix.applied_at, cell: (fix) => <Time at={fix.applied_at} /> },
  { id: 'check', title: 'Check', value: (fix) => fix.id, cell: (fix) => <Link to={paths.serverPosture(name, { verdict: 'all', check: fix.id })}>{fix.id}</Link> },
  { id: 'title', title: 'What holds', value: (fix) => fix.title },
  {
    id: 'state', title: 'State', value: (fix) => fix.state,
    cell: (fix) => {
      const [tone, word] = STATES[fix.state] ?? ['quiet', fix.state]
      return <Badge tone={tone}>{word}</Badge>
    },
  },
  { id: 'by', title: 'By', value: (fix) => fix.made_by },
  { id: 'what', title: 'Changes', value: (fix) => fix.changes.map((change) => change.what).join('; ') },
  { id: 'fix', title: 'Name', hidden: true, mono: true, value: (fix) => fix.fix_id },
  {
    id: 'undo', title: 'Way back', value: () => '',
    cell: (fix) => mayUndo && ['applied', 'needs-restart', 'applying'].includes(fix.state)
      && <Button size="small" aria-label={`Take ${fix.fix_id} back`} onClick={() => undo(fix)}>Take back…</Button>,
  },
]
