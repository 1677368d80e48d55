// A dynamic value that opens step by step.
import { Button, makeStyles, tokens } from '@fluentui/react-components'
import { useState } from 'react'

const SHOWN_AT_ONCE = 100

const useStyles = makeStyles({
  tree: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' },
  children: { paddingLeft: '16px', borderLeft: `1px solid ${tokens.colorNeutralStroke2}`, marginLeft: '4px' },
  key: { color: tokens.colorBrandForeground1 },
  quiet: { color: tokens.colorNeutralForeground2 },
  summary: { cursor: 'pointer', ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` } },
})

/** Dynamics come as JSON, and may come as its text. */
export const dynamicOf = (value: unknown): unknown => {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

export const JsonTree = ({ value }: { value: unknown }) => (
  <div className={useStyles().tree}><Node value={value} depth={0} /></div>
)

const Node = ({ name, value, depth }: { name?: string; value: unknown; depth: number }) => {
  const s = useStyles()
  const [shown, setShown] = useState(SHOWN_AT_ONCE)
  const [open, setOpen] = useState(depth < 2)
  const label = name === undefined ? null : <span className={s.key}>{name}: </span>
  if (typeof value !== 'object' || value === null) return <div>{label}{JSON.stringify(value)}</div>
  const entries = Object.entries(value)
  const what = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`
  if (!entries.length) return <div>{label}{Array.isArray(value) ? '[]' : '{}'}</div>
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className={s.summary}>{label}<span className={s.quiet}>{what}</span></summary>
      {open && (
        <div className={s.children}>
          {entries.slice(0, shown).map(([key, inner]) => <Node key={key} name={key} value={inner} depth={depth + 1} />)}
          {entries.length > shown && (
            <Button size="small" onClick={() => setShown(shown + SHOWN_AT_ONCE)}>
              Show more of {entries.length}
            </Button>
          )}
        </div>
      )}
    </details>
  )
}
