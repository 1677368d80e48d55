// A server's states on a line of time. Its twin is the table below it.
import { Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { StateChange } from '../../api/types'
import { duration, localTime } from '../../format'

export interface Span {
  state: string
  from: number
  to: number
}

/** States from oldest to newest as spans up to `now`, clipped to the last `windowMs`. */
export const spans = (rows: StateChange[], now: number, windowMs: number): Span[] => {
  const begin = now - windowMs
  const sorted = rows
    .map((row) => ({ state: row.state, at: Date.parse(row.state_since) }))
    .filter((row) => !Number.isNaN(row.at))
    .sort((a, b) => a.at - b.at)
  return sorted
    .map(({ state, at }, i) => ({ state, from: Math.max(at, begin), to: Math.min(sorted[i + 1]?.at ?? now, now) }))
    .filter(({ from, to }) => to > from)
}

const useStyles = makeStyles({
  root: { display: 'grid', gap: '6px' },
  strip: { display: 'flex', height: '20px', borderRadius: tokens.borderRadiusMedium, overflow: 'hidden', forcedColorAdjust: 'none',
    backgroundColor: tokens.colorNeutralBackground4, border: `1px solid ${tokens.colorNeutralStroke2}` },
  span: { minWidth: '3px' },
  good: { backgroundColor: tokens.colorStatusSuccessBackground3 },
  bad: { backgroundColor: tokens.colorStatusDangerBackground3,
    backgroundImage: `repeating-linear-gradient(90deg, transparent 0 3px, ${tokens.colorNeutralBackground1} 3px 4px)` },
  quiet: { backgroundColor: tokens.colorNeutralStroke1,
    backgroundImage: `repeating-linear-gradient(135deg, transparent 0 4px, ${tokens.colorNeutralBackground1} 4px 6px)` },
  busy: { backgroundColor: tokens.colorBrandBackground,
    backgroundImage: `repeating-linear-gradient(0deg, transparent 0 3px, ${tokens.colorNeutralBackground1} 3px 5px)` },
  legend: { display: 'flex', justifyContent: 'space-between', color: tokens.colorNeutralForeground2 },
  keys: { display: 'flex', columnGap: '16px', rowGap: '2px', flexWrap: 'wrap', color: tokens.colorNeutralForeground2 },
  key: { display: 'inline-flex', alignItems: 'center', gap: '6px' },
  dot: { forcedColorAdjust: 'none', width: '10px', height: '10px', borderRadius: '2px' },
})

const DAY_MS = 86_400_000
const tone = (state: string): 'good' | 'bad' | 'quiet' | 'busy' =>
  state === 'Ready' ? 'good' : state === 'Inaccessible' ? 'bad' : state === 'Stopped' || state === 'Disabled' ? 'quiet' : 'busy'

export const StateStrip = ({ rows }: { rows: StateChange[] }) => {
  const s = useStyles()
  const now = Date.now()
  const first = Math.min(...rows.map((row) => Date.parse(row.state_since)))
  const windowMs = Math.min(Math.max(now - first, 60_000), 7 * DAY_MS)
  const all = spans(rows, now, windowMs)
  const total = all.reduce((sum, one) => sum + one.to - one.from, 0) || 1
  const by = new Map<string, number>()
  for (const one of all) by.set(one.state, (by.get(one.state) ?? 0) + one.to - one.from)
  const shares = [...by].sort((a, b) => b[1] - a[1])
  const percent = (ms: number) => (ms === total ? '100' : ms / total < 0.001 ? '< 0.1' : ((100 * ms) / total).toFixed(1))
  const words = shares.map(([state, ms]) => `${state} ${percent(ms)} % (${duration(ms)})`)
  return (
    <div className={s.root}>
      <div className={s.strip} role="img" aria-label={`The last ${duration(windowMs)}: ${words.join(', ')}`}>
        {all.map((one) => (
          <div key={one.from} className={mergeClasses(s.span, s[tone(one.state)])} style={{ flexGrow: (one.to - one.from) / total }}
            title={`${one.state}, ${localTime(new Date(one.from).toISOString())}, ${duration(one.to - one.from)}`} />
        ))}
      </div>
      <div className={s.legend}>
        <Text size={200}>{localTime(new Date(now - windowMs).toISOString())}</Text>
        <Text size={200}>now</Text>
      </div>
      <div className={s.keys} aria-hidden>
        {shares.map(([state], i) => (
          <Text key={state} size={200} className={s.key}>
            <span className={mergeClasses(s.dot, s[tone(state)])} />{words[i]}
          </Text>
        ))}
      </div>
    </div>
  )
}
