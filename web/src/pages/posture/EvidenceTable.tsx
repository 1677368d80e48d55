// Rows of evidence, as they were read.
import { Text, makeStyles, tokens } from '@fluentui/react-components'
import type { PostureEvidence } from '../../api/types'

const useStyles = makeStyles({
  root: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '4px' },
  scroll: { overflowX: 'auto', maxHeight: '320px', border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: tokens.borderRadiusMedium },
  table: { borderCollapse: 'collapse', width: '100%', fontSize: tokens.fontSizeBase200 },
  cell: { textAlign: 'start', padding: '4px 8px', borderBottom: `1px solid ${tokens.colorNeutralStroke3}`, verticalAlign: 'top',
    fontFamily: tokens.fontFamilyMonospace, maxWidth: '40ch', overflowWrap: 'anywhere' },
  head: { textAlign: 'start', padding: '4px 8px', borderBottom: `1px solid ${tokens.colorNeutralStroke2}`, whiteSpace: 'nowrap' },
})

/** So many rows are drawn. */
const DRAWN = 100

const cellText = (value: unknown): string =>
  value === null || value === undefined ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value)

export const EvidenceTable = ({ title, evidence }: { title: string; evidence: PostureEvidence }) => {
  const s = useStyles()
  const rows = (evidence.rows ?? []) as Record<string, unknown>[]
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const total = evidence.total ?? rows.length
  if (rows.length === 0) return null
  return (
    <div className={s.root}>
      <Text size={200} weight="semibold">
        {title}: {total <= DRAWN ? total : `${Math.min(rows.length, DRAWN)} of ${total}`}
      </Text>
      <div className={s.scroll} tabIndex={0} role="group" aria-label={title}>
        <table className={s.table}>
          <thead>
            <tr>{columns.map((column) => <th key={column} scope="col" className={s.head}>{column}</th>)}</tr>
          </thead>
          <tbody>
            {rows.slice(0, DRAWN).map((row, i) => (
              <tr key={i}>{columns.map((column) => <td key={column} className={s.cell}>{cellText(row[column])}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}
