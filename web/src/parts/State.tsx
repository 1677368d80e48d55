// States and verdicts: an icon and a word, never only a colour.
import { Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import {
  ArrowSyncRegular, CheckmarkCircleFilled, DismissCircleFilled, LockClosedFilled,
  PauseCircleRegular, QuestionCircleRegular, SubtractCircleRegular, WarningFilled,
} from '@fluentui/react-icons'
import type { ReactNode } from 'react'
import { Time } from './Time'

export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'quiet'

const useStyles = makeStyles({
  root: { display: 'inline-flex', alignItems: 'center', gap: '6px', whiteSpace: 'nowrap', verticalAlign: 'middle' },
  icon: { display: 'inline-flex', fontSize: '16px' },
  good: { color: tokens.colorStatusSuccessForeground1 },
  warn: { color: tokens.colorStatusWarningForeground3 },
  bad: { color: tokens.colorStatusDangerForeground1 },
  busy: { color: tokens.colorBrandForeground1 },
  quiet: { color: tokens.colorNeutralForeground2 },
  spin: {
    '@media (prefers-reduced-motion: no-preference)': {
      animationName: { to: { transform: 'rotate(360deg)' } },
      animationDuration: '1.6s',
      animationIterationCount: 'infinite',
      animationTimingFunction: 'linear',
    },
  },
  verdict: { display: 'grid', gap: '2px' },
  small: { color: tokens.colorNeutralForeground2 },
})

const icons: Record<Tone, ReactNode> = {
  good: <CheckmarkCircleFilled />, warn: <WarningFilled />, bad: <DismissCircleFilled />,
  busy: <ArrowSyncRegular />, quiet: <SubtractCircleRegular />,
}

/** A word with the icon and colour of its tone. */
export const Badge = ({ tone, icon, children }: { tone: Tone; icon?: ReactNode; children: ReactNode }) => {
  const s = useStyles()
  return (
    <span className={s.root}>
      <span className={mergeClasses(s.icon, s[tone], tone === 'busy' && s.spin)} aria-hidden>{icon ?? icons[tone]}</span>
      <Text weight="medium">{children}</Text>
    </span>
  )
}

const states: Record<string, [Tone, ReactNode?]> = {
  Ready: ['good'],
  Stopped: ['quiet', <PauseCircleRegular key="i" />],
  Disabled: ['quiet'],
  Inaccessible: ['bad', <LockClosedFilled key="i" />],
}

/** The state of a server; with its name where the page is about something else. */
export const StateBadge = ({ state, of }: { state: string; of?: string }) => {
  const [tone, icon] = states[state] ?? ['busy']
  return <Badge tone={tone} icon={icon}>{of ? `${of} is ${state}` : state}</Badge>
}

const verdicts: Record<string, [Tone, string, ReactNode?]> = {
  pass: ['good', 'Good'], ok: ['good', 'Good'], good: ['good', 'Good'],
  warn: ['warn', 'Needs attention'], warning: ['warn', 'Needs attention'], attention: ['warn', 'Needs attention'],
  fail: ['bad', 'Not as it should be'], bad: ['bad', 'Not as it should be'],
  'not-applicable': ['quiet', 'Not applicable'],
}
const unknown: [Tone, string, ReactNode?] = ['quiet', 'Cannot tell', <QuestionCircleRegular key="i" />]

export const toneOf = (verdict: string): Tone => (verdicts[verdict.replaceAll('_', '-')] ?? unknown)[0]

export interface VerdictProps {
  verdict: string
  /** Instead of the verdict's usual word. */
  word?: string
  looked_at: string | null | undefined
  /** By which rule: its id, or what it asks. */
  rule: string
}

/** What a verdict rests on: when was looked, and by which rule. */
export const Basis = ({ looked_at, rule }: Pick<VerdictProps, 'looked_at' | 'rule'>) => (
  <Text size={200} className={useStyles().small}>
    read <Time at={looked_at} age /> · rule: {rule}
  </Text>
)

/** The word of a verdict. */
export const VerdictBadge = ({ verdict, word }: Pick<VerdictProps, 'verdict' | 'word'>) => {
  const [tone, usual, icon] = verdicts[verdict.replaceAll('_', '-')] ?? unknown
  return <Badge tone={tone} icon={icon}>{word ?? usual}</Badge>
}

/** A verdict with what it rests on: when it was looked, and by which rule. */
export const Verdict = ({ verdict, word, looked_at, rule }: VerdictProps) => (
  <div className={useStyles().verdict}>
    <VerdictBadge verdict={verdict} {...(word ? { word } : {})} />
    <Basis looked_at={looked_at} rule={rule} />
  </div>
)
