// The score over time, assessments that are kept, and what differs between two of them.
import { Select, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import type { PostureBrief, PostureChange, PostureFinding } from '../../api/types'
import { count, localTime, shell } from '../../format'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { text, useSearchParams } from '../../search'
import { useServer } from '../servers/useServer'
import { Trend } from './Trend'
import { assessmentsQuery, driftQuery } from './api'
import { rankOf, scoreText, topicTitle, trendOf, wordOf } from './model'

const schema = { from: text(), to: text() }

const numberOf = (typed: string): number | undefined => (/^\d{1,15}$/.test(typed) ? Number(typed) : undefined)

export const History = () => {
  const { name } = useServer()
  const query = useQuery(assessmentsQuery(name))
  const whole = query.data?.filter((one) => one.checks.length === 0) ?? []
  return (
    <Page
      title="History"
      crumbs={postureCrumbs(name)}
      tabs={postureTabs(name)}
      lead="The last thirty assessments and one a day for a year; the evidence of the last five."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[
        { title: 'List the assessments', cli: `pgkeep baseline history -s ${shell(name)} -o json`, path: apiPath`/servers/${name}/baseline/assessments` },
        { title: 'Compare the last two', cli: `pgkeep baseline drift -s ${shell(name)} -o json`, path: apiPath`/servers/${name}/baseline/drift` },
      ]}
    >
      <Guard query={query} what="Assessments">
        {(all) => (
          <>
            {trendOf(all, '').length > 0 && <Section title="Score"><Trend points={trendOf(all, '')} /></Section>}
            {whole.length > 1 && <Drift name={name} whole={whole} />}
            <Section title="Assessments">
              <DataTable
                name={`assessments-${name}`}
                noun="assessment"
                rows={all}
                rowId={(one) => String(one.id)}
                sort="-id"
                columns={columnsOf(name)}
                empty={<Empty title="Not assessed yet" text="Each assessment stands here with its score." cli={`pgkeep baseline assess -s ${shell(name)}`} />}
              />
            </Section>
          </>
        )}
      </Guard>
    </Page>
  )
}

const Drift = ({ name, whole }: { name: string; whole: PostureBrief[] }) => {
  const [search, setSearch] = useSearchParams(schema)
  const query = useQuery(driftQuery(name, numberOf(search.from), numberOf(search.to)))
  const choice = (label: string, value: string, first: string, set: (value: string) => void) => (
    <Select size="small" aria-label={label} value={value} onChange={(_, data) => set(data.value)}>
      <option value="">{first}</option>
      {whole.map((one) => (
        <option key={one.id} value={one.id}>{localTime(one.assessed_at)}{one.profile ? ` (${one.profile})` : ''}</option>
      ))}
    </Select>
  )
  return (
    <Section title="What is different" aside={
      <>
        {choice('From', search.from, 'The one before', (from) => setSearch({ from }))}
        {choice('To', search.to, 'The last one', (to) => setSearch({ to }))}
      </>
    }>
      <Guard query={query} what="The comparison">
        {(drift) => (
          <>
            <Text>
              From <Time at={drift.from} /> ({scoreText(drift.score_from)}) to <Time at={drift.to} /> ({scoreText(drift.score_to)}):{' '}
              {count(drift.n_new, 'new finding')}, {drift.n_fixed} mended.
            </Text>
            <DataTable name={`drift-${name}`} noun="change" urlKey="d" rows={drift.changes} rowId={(one) => one.id} columns={changesOf(name)}
              empty={<Empty title="Nothing is different" text="Every check says the same, with the same findings." />} />
          </>
        )}
      </Guard>
    </Section>
  )
}

const items = (findings: PostureFinding[]): string => findings.map((one) => one.item).join(', ') || '–'

const verdict = (said: string | null) => {
  if (said === null) return 'not judged'
  const [tone, word] = wordOf(said)
  return <Badge tone={tone}>{word}</Badge>
}

const changesOf = (name: string): Column<PostureChange>[] => [
  { id: 'id', title: 'Check', value: (one) => one.id, cell: (one) => <Link to={paths.serverPosture(name, { verdict: 'all', check: one.id })}>{one.id}</Link> },
  { id: 'title', title: 'What should hold', value: (one) => one.title },
  { id: 'severity', title: 'Severity', value: (one) => rankOf(one.severity), cell: (one) => topicTitle(one.severity) },
  { id: 'was', title: 'Was', value: (one) => one.was ?? '', cell: (one) => verdict(one.was) },
  { id: 'is', title: 'Is', value: (one) => one.is ?? '', cell: (one) => verdict(one.is) },
  { id: 'new', title: 'New', value: (one) => items(one.new) },
  { id: 'fixed', title: 'Mended', value: (one) => items(one.fixed) },
  { id: 'unseen', title: 'Not seen any more', hidden: true, value: (one) => items(one.unseen) },
]

const columnsOf = (name: string): Column<PostureBrief>[] => [
  { id: 'id', title: 'Number', align: 'end', value: (one) => one.id },
  { id: 'at', title: 'Read', value: (one) => one.assessed_at, cell: (one) => <Time at={one.assessed_at} /> },
  { id: 'by', title: 'For', value: (one) => one.by },
  { id: 'what', title: 'What', value: (one) => (one.checks.length === 0 ? 'all checks' : one.checks.join(', ')) },
  { id: 'profile', title: 'Values', value: (one) => one.profile ?? 'pgkeep’s own' },
  { id: 'score', title: 'Score', align: 'end', value: (one) => one.score ?? -1, cell: (one) => scoreText(one.score) },
  { id: 'fail', title: 'Fail', align: 'end', value: (one) => one.counts['fail'] ?? 0 },
  { id: 'pass', title: 'Pass', align: 'end', value: (one) => one.counts['pass'] ?? 0 },
  {
    id: 'evidence', title: 'Evidence', value: (one) => (one.has_evidence ? one.evidence_hash : ''),
    cell: (one) => one.has_evidence
      ? <a href={`/api/v1${apiPath`/servers/${name}/baseline/assessments/${one.id}/evidence`}`} download={`${name}-${one.id}.json`} aria-label={`Evidence of assessment ${one.id}`}>JSON</a>
      : 'not kept',
  },
  { id: 'hash', title: 'SHA-256', hidden: true, mono: true, value: (one) => one.evidence_hash },
]
