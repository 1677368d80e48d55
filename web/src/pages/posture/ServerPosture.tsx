// How one server stands: score and trend, topics, recommendations, one check at the side.
import { Link as FluentLink, ProgressBar, Select, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular, PlayRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Posture, PostureItem } from '../../api/types'
import { count, sentences } from '../../format'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Page, Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { oneOf, text, useSearchParams } from '../../search'
import { useServer } from '../servers/useServer'
import { CheckDrawer } from './CheckDrawer'
import { ScheduleButton } from './Schedule'
import { Trend } from './Trend'
import { assessmentsQuery, postureQuery } from './api'
import { assessLine, useAssess, useRunning } from './assess'
import {
  PROFILES, PROFILE_TITLES, SEVERITIES, type Topic, VERDICTS, isWanted, rankOf, scoreText, shownOf, topicTitle, topicsOf,
  trendOf, waivedUntil, wordOf,
} from './model'

const useStyles = makeStyles({
  top: { display: 'flex', gap: '32px', flexWrap: 'wrap', alignItems: 'center' },
  score: { display: 'grid', gap: '2px', minWidth: '180px' },
  number: { fontSize: tokens.fontSizeHero900, lineHeight: tokens.lineHeightHero900, fontWeight: tokens.fontWeightSemibold,
    fontVariantNumeric: 'tabular-nums' },
  quiet: { color: tokens.colorNeutralForeground2 },
  title: { display: 'grid', gap: '1px', justifyItems: 'start', minWidth: '240px' },
  left: { textAlign: 'start' },
  progress: { display: 'grid', gap: '6px', maxWidth: '60ch' },
})

const schema = {
  verdict: oneOf(['all', ...VERDICTS], 'fail'),
  severity: oneOf(['all', ...SEVERITIES], 'all'),
  topic: text('all'),
  profile: oneOf(PROFILES, ''),
  check: text(),
}

export const ServerPosture = () => {
  const { name } = useServer()
  const s = useStyles()
  const [search, setSearch] = useSearchParams(schema)
  const query = useQuery(postureQuery(name, search.profile))
  const assess = useAssess(name)
  const running = useRunning(name)
  const wish = { checks: [], profile: search.profile }
  return (
    <Page
      title={name}
      crumbs={postureCrumbs()}
      tabs={postureTabs(name)}
      lead="Each check by its newest reading. What could not be read is not known, and does not pass."
      actions={[
        {
          label: 'Assess now', icon: <PlayRegular />, primary: true, needs: 'assessment_create', line: assessLine(name, wish),
          refused: running && 'It is being assessed already', onClick: () => void assess(wish, paths.serverPosture(name)),
        },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[{ title: 'Show how it stands', path: apiPath`/servers/${name}/baseline` }]}
    >
      {running && (
        <div className={s.progress} role="status">
          <Text>Assessing: {running.progress.at(-1) ?? 'begins'}</Text>
          <ProgressBar aria-label="Assessment" />
        </div>
      )}
      <Guard query={query} lines={12} what="Posture">
        {(posture) => posture.results.length === 0 ? (
          <Empty
            title="Not assessed yet"
            text={`${PROFILE_TITLES[search.profile]}: the agent reads what the checks ask for, in every database, and changes nothing. It takes a few seconds.`}
            cli={assessLine(name, wish).cli ?? ''}
          />
        ) : (
          <Standing name={name} posture={posture} search={search} setSearch={setSearch} />
        )}
      </Guard>
      {search.check && (
        <CheckDrawer key={search.check} server={name} check={search.check} profile={search.profile} onClose={() => setSearch({ check: '' })} />
      )}
    </Page>
  )
}

type Search = { verdict: string; severity: string; topic: string; profile: (typeof PROFILES)[number]; check: string }

const Standing = ({ name, posture, search, setSearch }: {
  name: string
  posture: Posture
  search: Search
  setSearch: (change: Partial<Record<keyof Search, never>>) => void
}) => {
  const s = useStyles()
  const set = setSearch as unknown as (change: Partial<Search>) => void
  const history = useQuery(assessmentsQuery(name))
  const topics = useMemo(() => topicsOf(posture.results), [posture.results])
  const rows = posture.results.filter((item) => isWanted(item, search))
  const columns = useMemo(() => columnsOf(s, (check) => set({ check })), [s])
  const n = (verdict: string) => posture.counts[verdict] ?? 0
  const filters = (
    <>
      <Choice label="Verdict" value={search.verdict} onChange={(verdict) => set({ verdict })}
        options={[['all', 'All verdicts'], ...VERDICTS.map((one) => [one, wordOf(one)[1]] as [string, string])]} />
      <Choice label="Severity" value={search.severity} onChange={(severity) => set({ severity })}
        options={[['all', 'All severities'], ...SEVERITIES.map((one) => [one, topicTitle(one)] as [string, string])]} />
      <Choice label="Topic" value={search.topic} onChange={(topic) => set({ topic })}
        options={[['all', 'All topics'], ...topics.map(({ topic }) => [topic, topicTitle(topic)] as [string, string]).sort()]} />
    </>
  )
  return (
    <>
      <Section title="Score" aside={
        <Choice label="Values" value={search.profile} onChange={(profile) => set({ profile: profile as Search['profile'] })}
          options={PROFILES.map((one) => [one, PROFILE_TITLES[one]])} />
      }>
        <div className={s.top}>
          <div className={s.score}>
            <span className={s.number}>{scoreText(posture.score)}</span>
            <Text size={200} className={s.quiet}>
              of 100, by severity. {count(n('fail'), 'check fails', 'checks fail')}
              {posture.n_waived > 0 && ` (${posture.n_waived} waived)`}, {n('pass')} pass, {n('cannot-tell')} cannot tell,{' '}
              {n('not-applicable')} do not apply.
            </Text>
            <Text size={200} className={s.quiet}>
              {posture.last ? <>All checks read <Time at={posture.last.assessed_at} age /> for {posture.last.by}.</> : 'Never read as a whole.'}
            </Text>
            <ScheduleButton server={name} schedule={posture.schedule} />
          </div>
          <Trend points={trendOf(history.data ?? [], search.profile)} />
        </div>
      </Section>
      <Section title="Recommendations">
        <DataTable name={`posture-${name}`} noun="check" rows={rows} columns={columns} rowId={(item) => item.id} sort="severity" filters={filters}
          empty={
            <>
              <div>{filters}</div>
              <Empty title="No check is so" text="Choose another verdict, severity or topic above." />
            </>
          }
        />
      </Section>
      <Section title="Topics">
        <DataTable name={`topics-${name}`} noun="topic" urlKey="t" rows={topics} rowId={(one) => one.topic}
          columns={topicColumns((topic) => set({ topic, verdict: 'all' }))} sort="-fail" />
      </Section>
    </>
  )
}

const Choice = ({ label, value, onChange, options }: {
  label: string
  value: string
  onChange: (value: string) => void
  options: [string, string][]
}) => (
  <Select size="small" aria-label={label} value={value} onChange={(_, data) => onChange(data.value)} style={{ display: 'inline-flex' }}>
    {options.map(([key, title]) => <option key={key} value={key}>{title}</option>)}
  </Select>
)

const topicColumns = (choose: (topic: string) => void): Column<Topic>[] => [
  { id: 'topic', title: 'Topic', value: (one) => topicTitle(one.topic),
    cell: (one) => <FluentLink as="button" onClick={() => choose(one.topic)}>{topicTitle(one.topic)}</FluentLink> },
  { id: 'fail', title: 'Fail', align: 'end', value: (one) => one.fail },
  { id: 'waived', title: 'Waived', align: 'end', value: (one) => one.waived },
  { id: 'unknown', title: 'Cannot tell', align: 'end', value: (one) => one.unknown },
  { id: 'pass', title: 'Pass', align: 'end', value: (one) => one.pass },
]

const columnsOf = (s: ReturnType<typeof useStyles>, open: (check: string) => void): Column<PostureItem>[] => [
  { id: 'id', title: 'Check', value: (item) => item.id },
  {
    id: 'title', title: 'What should hold', value: (item) => item.title,
    cell: (item) => (
      <span className={s.title}>
        <FluentLink as="button" className={s.left} onClick={() => open(item.id)}>{item.title}</FluentLink>
        <Text size={200} className={s.quiet}>{sentences(item.reason)}</Text>
      </span>
    ),
  },
  { id: 'severity', title: 'Severity', value: (item) => rankOf(item.severity), cell: (item) => topicTitle(item.severity) },
  {
    id: 'verdict', title: 'Verdict', value: (item) => wordOf(shownOf(item))[1],
    cell: (item) => {
      const [tone, word] = wordOf(shownOf(item))
      return <Badge tone={tone}>{shownOf(item) === 'waived' ? `${word} until ${waivedUntil(item)}` : word}</Badge>
    },
  },
  { id: 'topic', title: 'Topic', value: (item) => topicTitle(item.topic) },
  { id: 'findings', title: 'Findings', align: 'end', value: (item) => item.n_findings },
  { id: 'fix', title: 'Mended', hidden: true, value: (item) => (item.fix.automatic ? 'by pgkeep' : item.fix.class === 'guided' ? 'by hand' : 'not at all') },
  { id: 'read', title: 'Read', hidden: true, value: (item) => item.read_at, cell: (item) => <Time at={item.read_at} age /> },
]
