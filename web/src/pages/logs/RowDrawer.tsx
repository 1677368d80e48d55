// One row with all of its values, the one at hand first in sight.
import { Button, Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ChevronDownRegular, ChevronUpRegular } from '@fluentui/react-icons'
import { useEffect, useRef } from 'react'
import type { LogsColumn } from '../../api/types'
import { CopyButton } from '../../parts/Copy'
import { EditDrawer } from '../../parts/EditDrawer'
import { JsonTree, dynamicOf } from './JsonTree'
import { type Row, textOf, toJson } from './values'

const useStyles = makeStyles({
  list: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', margin: 0 },
  pair: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '2px', padding: '6px 8px', borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
  here: { backgroundColor: tokens.colorNeutralBackground3, borderRadius: tokens.borderRadiusMedium },
  name: { display: 'flex', alignItems: 'center', gap: '8px', margin: 0, minHeight: '24px' },
  quiet: { color: tokens.colorNeutralForeground2 },
  value: { margin: 0, fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
})

export interface RowDrawerProps {
  columns: readonly LogsColumn[]
  rows: readonly Row[]
  at: number
  column: number
  onGo: (row: number) => void
  onClose: () => void
}

export const RowDrawer = ({ columns, rows, at, column, onGo, onClose }: RowDrawerProps) => {
  const s = useStyles()
  const here = useRef<HTMLDivElement>(null)
  const row = rows[at]
  useEffect(() => here.current?.scrollIntoView({ block: 'nearest' }), [at, column])
  if (!row) return null
  return (
    <EditDrawer
      title={`Row ${(at + 1).toLocaleString('en')} of ${rows.length.toLocaleString('en')}`}
      onClose={onClose}
      buttons={
        <>
          <Button icon={<ChevronUpRegular />} disabledFocusable={at === 0} onClick={() => onGo(Math.max(0, at - 1))}>Previous</Button>
          <Button icon={<ChevronDownRegular />} disabledFocusable={at >= rows.length - 1}
            onClick={() => onGo(Math.min(rows.length - 1, at + 1))}>Next</Button>
          <CopyButton text={toJson(columns, [row]).slice(2, -3)} label="Copy the row as JSON" />
        </>
      }
    >
      <dl className={s.list}>
        {columns.map((c, i) => {
          const value = c.type === 'dynamic' ? dynamicOf(row[i]) : row[i]
          return (
            <div key={i} ref={i === column ? here : null} className={mergeClasses(s.pair, i === column && s.here)}>
              <dt className={s.name}>
                <Text weight="semibold">{c.name}</Text>
                <Text size={200} className={s.quiet}>{c.type}</Text>
                {row[i] !== null && <CopyButton text={textOf(row[i])} label={`Copy ${c.name}`} />}
              </dt>
              <dd className={s.value}>
                {value === null || value === undefined
                  ? <span className={s.quiet}>null</span>
                  : typeof value === 'object' ? <JsonTree value={value} /> : textOf(value) || <span className={s.quiet}>(empty)</span>}
              </dd>
            </div>
          )
        })}
      </dl>
    </EditDrawer>
  )
}
