// Lines that come and go: signs and words beside the colour.
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'

const useStyles = makeStyles({
  block: {
    margin: 0,
    padding: '8px 0',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    overflowX: 'auto',
    listStyleType: 'none',
  },
  line: { display: 'flex', padding: '0 12px', whiteSpace: 'pre', minWidth: 'max-content' },
  sign: { width: '2ch', flexShrink: 0 },
  added: { backgroundColor: tokens.colorStatusSuccessBackground1, color: tokens.colorStatusSuccessForeground1 },
  removed: { backgroundColor: tokens.colorStatusDangerBackground1, color: tokens.colorStatusDangerForeground1 },
  same: { color: tokens.colorNeutralForeground2 },
})

export interface DiffLine {
  sign: string
  text: string
}

const words: Record<string, string> = { '+': 'added: ', '-': 'removed: ' }

export const Diff = ({ lines, label }: { lines: DiffLine[]; label: string }) => {
  const s = useStyles()
  const kind = (sign: string) => (sign === '+' ? s.added : sign === '-' ? s.removed : s.same)
  return (
    <ul className={s.block} aria-label={label} tabIndex={0}>
      {lines.map(({ sign, text }, index) => (
        // Lines have no name of their own and never move.
        <li key={index} className={mergeClasses(s.line, kind(sign))}>
          <span className={s.sign} aria-hidden>{sign}</span>
          <span>
            {words[sign] && <span style={{ position: 'absolute', clip: 'rect(0 0 0 0)' }}>{words[sign]}</span>}
            {text}
          </span>
        </li>
      ))}
    </ul>
  )
}
