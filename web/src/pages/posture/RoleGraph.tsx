// Paths of roles as a drawing. The tables below it say the same.
import { Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { useMemo } from 'react'
import type { RolePath } from '../../api/types'
import { count } from '../../format'
import { type Node, layout } from './model'

const useStyles = makeStyles({
  scroll: { overflow: 'auto', maxHeight: '70vh', border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground1, padding: '8px' },
  box: { fill: tokens.colorNeutralBackground3, stroke: tokens.colorNeutralStrokeAccessible, strokeWidth: '1px' },
  goal: { fill: tokens.colorStatusDangerBackground1, stroke: tokens.colorStatusDangerBorderActive },
  text: { fill: tokens.colorNeutralForeground1, fontSize: '13px', fontFamily: tokens.fontFamilyBase },
  edge: { fill: 'none', stroke: tokens.colorNeutralStrokeAccessible, strokeWidth: '1.5px' },
  on: { stroke: tokens.colorBrandStroke1, strokeWidth: '3px' },
  weak: { strokeDasharray: '5 4' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

const WIDE = 168
const HIGH = 34
const GAP_X = 90
const GAP_Y = 16
/** More than that is read as a table. */
const PATHS_DRAWN = 60
const LETTERS = 21

const placeOf = ({ column, row }: Node) => ({ x: 8 + column * (WIDE + GAP_X), y: 8 + row * (HIGH + GAP_Y) })
const short = (name: string) => (name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name)

export const RoleGraph = ({ paths, chosen }: { paths: RolePath[]; chosen: string }) => {
  const s = useStyles()
  const shown = useMemo(() => {
    const first = [...paths].sort((a, b) => Number(b.role === chosen) - Number(a.role === chosen) || a.length - b.length)
    return first.slice(0, PATHS_DRAWN)
  }, [paths, chosen])
  const drawn = useMemo(() => layout(shown), [shown])
  const places = new Map(drawn.nodes.map((node) => [node.name, placeOf(node)]))
  const isOn = (source: string, target: string) =>
    shown.some((path) => path.role === chosen && path.steps.some((step) => step.source === source && step.target === target))
  const width = 16 + drawn.columns * WIDE + (drawn.columns - 1) * GAP_X
  const height = 16 + drawn.rows * HIGH + (drawn.rows - 1) * GAP_Y
  const said = `${count(shown.length, 'path')} of roles to superuser or the operating system; the table below lists them`
  return (
    <>
      <div className={s.scroll} tabIndex={0} role="group" aria-label="Drawing of the paths">
        <svg role="img" aria-label={said} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
              <path d="M0 0 L8 4 L0 8 z" fill="currentColor" />
            </marker>
          </defs>
          {drawn.edges.map((edge) => {
            const from = places.get(edge.source)
            const to = places.get(edge.target)
            if (!from || !to) return null
            const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x, to.y + HIGH / 2]
            const bend = Math.max(40, Math.abs(x2 - x1) / 2)
            return (
              <path key={`${edge.source} ${edge.target}`} d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} markerEnd="url(#arrow)"
                className={mergeClasses(s.edge, !edge.strong && s.weak, isOn(edge.source, edge.target) && s.on)}>
                <title>{`${edge.source} to ${edge.target}: ${edge.why}`}</title>
              </path>
            )
          })}
          {drawn.nodes.map((node) => {
            const { x, y } = placeOf(node)
            return (
              <g key={node.name}>
                <title>{node.name}</title>
                <rect x={x} y={y} width={WIDE} height={HIGH} rx={6} className={mergeClasses(s.box, node.target && s.goal)} />
                <text x={x + 10} y={y + HIGH / 2 + 4} className={s.text}>{short(node.name)}</text>
              </g>
            )
          })}
        </svg>
      </div>
      <Text size={200} className={s.quiet}>
        A dashed line is a step that needs somebody else too.
        {paths.length > shown.length && ` ${shown.length} of ${paths.length} paths are drawn; the table has all.`}
      </Text>
    </>
  )
}
