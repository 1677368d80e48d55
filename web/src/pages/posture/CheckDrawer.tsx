// One check: the verdict and when it was read, why it matters, what exactly was seen, what mends it.
import { Button, Text, makeStyles, tokens } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useMay } from '../../api/queries'
import type { PostureEvidence, PostureFinding, PostureResult } from '../../api/types'
import { count, sentences, shell } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { EditDrawer } from '../../parts/EditDrawer'
import { Guard } from '../../parts/Guard'
import { Essentials, Note } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { EvidenceTable } from './EvidenceTable'
import { FixDialog } from './FixDialog'
import { WaiveDialog } from './WaiveDialog'
import { resultQuery } from './api'
import { assessLine, useAssess, useRunning } from './assess'
import { shownOf, topicTitle, wordOf } from './model'

const useStyles = makeStyles({
  part: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '8px' },
  h3: { margin: 0, fontSize: tokens.fontSizeBase300, fontWeight: tokens.fontWeightSemibold },
  findings: { margin: 0, paddingInlineStart: '18px', display: 'grid', gap: '4px' },
  item: { overflowWrap: 'anywhere' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

/** So many findings are listed; the evidence has all of them. */
const LISTED = 50

export const CheckDrawer = ({ server, check, profile, onClose }: {
  server: string
  check: string
  profile: string
  onClose: () => void
}) => {
  const query = useQuery(resultQuery(server, check, profile))
  const may = useMay()
  const assess = useAssess(server)
  const running = useRunning(server)
  const [waiving, setWaiving] = useState<PostureFinding | true>()
  const [mending, setMending] = useState(false)
  const wish = { checks: [check], profile }
  const again = () => void assess(wish, paths.serverPosture(server, { check }))
  const fails = query.data?.outcome.verdict === 'fail'
  return (
    <>
      <EditDrawer
        title={query.data ? `${check}: ${query.data.outcome.title}` : check}
        onClose={onClose}
        buttons={
          <>
            {may('assessment_create') && (
              <Button appearance="primary" onClick={again} disabledFocusable={Boolean(running)}>
                {running ? 'Being read…' : 'Check again now'}
              </Button>
            )}
            {fails && query.data?.outcome.fix.automatic && may('fix_preview') && (
              <Button onClick={() => setMending(true)}>Mend…</Button>
            )}
            {fails && may('server_waiver_create') && <Button onClick={() => setWaiving(true)}>Waive…</Button>}
          </>
        }
        lines={[
          assessLine(server, wish),
          { title: 'Show the check', cli: `pgkeep baseline show ${shell(check)}`, path: apiPath`/servers/${server}/baseline/results/${check}` },
        ]}
      >
        <Guard query={query} what={check}>
          {(result) => <Result result={result} onWaive={may('server_waiver_create') ? setWaiving : undefined} />}
        </Guard>
      </EditDrawer>
      {mending && <FixDialog server={server} check={check} profile={profile} onClose={() => setMending(false)} />}
      {waiving && (
        <WaiveDialog server={server} check={check} {...(waiving === true ? {} : { finding: waiving })} onClose={() => setWaiving(undefined)} />
      )}
    </>
  )
}

const Result = ({ result, onWaive }: { result: PostureResult; onWaive: ((finding: PostureFinding) => void) | undefined }) => {
  const s = useStyles()
  const { outcome, read_at } = result
  const [tone, word] = wordOf(shownOf(outcome))
  const { waived, findings = [], fix, evidence } = outcome
  const of = (what: string) => evidence.filter((one) => one.what === what)
  return (
    <>
      <Essentials
        facts={[
          { name: 'Verdict', value: <Badge tone={tone}>{word}</Badge> },
          { name: 'Read', value: <Time at={read_at} age /> },
          { name: 'Severity', value: topicTitle(outcome.severity) },
          { name: 'Topic', value: topicTitle(outcome.topic) },
        ]}
      />
      <Text>{sentences(outcome.reason)}</Text>
      {waived && waived.waivers.map((one) => (
        <Note key={one.id} intent="info" title={`Waived until ${one.until}.`}
          text={`${one.owner} answers for it${one.finding ? ' (one finding)' : ''}: ${one.reason}`} />
      ))}
      {waived?.lapsed?.map((one) => (
        <Note key={one.id} intent="warning" title={`A waiver ended on ${one.until}.`} text={`${one.owner}: ${one.reason}`} />
      ))}
      <div className={s.part}>
        <h3 className={s.h3}>Why it matters</h3>
        <Text>{outcome.why}</Text>
      </div>
      {findings.length > 0 && (
        <div className={s.part}>
          <h3 className={s.h3}>{count(findings.length, 'finding')}</h3>
          <ul className={s.findings}>
            {findings.slice(0, LISTED).map((one) => (
              <li key={one.fingerprint} className={s.item}>
                <Text font="monospace">{one.database ? `${one.database}: ${one.item}` : one.item}</Text>{' '}
                {waived?.findings.includes(one.fingerprint) ? <Text size={200} className={s.quiet}>waived</Text> : onWaive && (
                  <Button size="small" appearance="subtle" aria-label={`Waive ${one.item}`} onClick={() => onWaive(one)}>Waive…</Button>
                )}
              </li>
            ))}
          </ul>
          {findings.length > LISTED && <Text size={200}>{findings.length - LISTED} more stand in the evidence.</Text>}
        </div>
      )}
      <div className={s.part}>
        <h3 className={s.h3}>What mends it</h3>
        <Text>{fixWords(fix.class)}</Text>
        {fix.why && <Text>{fix.why}</Text>}
      </div>
      <div className={s.part}>
        <h3 className={s.h3}>Evidence</h3>
        {of('offending').map((one, i) => <EvidenceTable key={i} title="What is wrong" evidence={one} />)}
        {of('read').map((one, i) => <EvidenceTable key={i} title="What was read" evidence={one} />)}
        {of('gap').map((one, i) => <Gap key={i} gap={one} />)}
        {of('source').map((one) => (
          <details key={one.table}>
            <summary>{one.table}: {count(one.total ?? 0, 'row')}</summary>
            <CodeBlock wrap text={one.statement ?? ''} label={`statement of ${one.table}`} />
          </details>
        ))}
      </div>
      <Essentials
        facts={[
          { name: 'MCSB', value: outcome.mcsb.join(', ') || '–' },
          { name: 'CIS', value: outcome.cis.join(', ') || '–' },
          { name: 'STIG', value: outcome.stig.join(', ') || '–' },
          { name: 'NIST 800-53', value: outcome.nist.join(', ') || '–' },
        ]}
      />
    </>
  )
}

const Gap = ({ gap }: { gap: PostureEvidence }) => (
  <Note intent="warning" title={`${gap.table}${gap.database ? ` in ${gap.database}` : ''} was not read in whole.`}
    text={sentences(gap.message, gap.cure && `What would do: ${gap.cure}`)} />
)

const FIXES: Record<string, string> = {
  'auto-reload': 'pgkeep can set it; it takes effect at a reload.',
  'auto-restart': 'pgkeep can set it; it takes effect at a restart.',
  'auto-tx': 'pgkeep can change it in one transaction.',
  'auto-file': 'pgkeep can change the file.',
  guided: 'By hand:',
  none: 'Nothing that pgkeep could do:',
}
const fixWords = (kind: string): string => FIXES[kind] ?? kind
