// The score over time as a line; the table on the page History says the same in numbers.
import { Text, makeStyles, tokens } from '@fluentui/react-components'
import type { PostureBrief } from '../../api/types'
import { count, localTime } from '../../format'
import { linePoints, scoreText } from './model'

const useStyles = makeStyles({
  root: { display: 'grid', gap: '4px', justifyItems: 'start' },
  line: { fill: 'none', stroke: tokens.colorBrandForeground1, strokeWidth: '2px' },
  dot: { fill: tokens.colorBrandForeground1 },
  axis: { stroke: tokens.colorNeutralStroke2, strokeWidth: '1px' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

const WIDTH = 320
const HEIGHT = 88
const MARGIN = 8

export const Trend = ({ points }: { points: PostureBrief[] }) => {
  const s = useStyles()
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last) return null
  const drawn = linePoints(points.map((one) => one.score ?? 0), WIDTH, HEIGHT, MARGIN)
  const said = `Score over ${count(points.length, 'assessment')}: ${scoreText(first.score)} at first, ${scoreText(last.score)} now`
  return (
    <figure className={s.root} style={{ margin: 0 }}>
      <svg role="img" aria-label={said} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} style={{ maxWidth: '100%' }}>
        {[0, 50, 100].map((score) => {
          const y = linePoints([score], WIDTH, HEIGHT, MARGIN)[0]?.[1] ?? 0
          return <line key={score} x1={MARGIN} x2={WIDTH - MARGIN} y1={y} y2={y} className={s.axis} />
        })}
        {drawn.length > 1 && <polyline points={drawn.map((point) => point.join(',')).join(' ')} className={s.line} />}
        {drawn.map(([x, y], i) => <circle key={points[i]?.id} cx={x} cy={y} r={3} className={s.dot} />)}
      </svg>
      <Text as="span" size={200} className={s.quiet}>
        {points.length > 1 ? `${localTime(first.assessed_at)} to ${localTime(last.assessed_at)}` : 'One assessment so far'}
      </Text>
    </figure>
  )
}
