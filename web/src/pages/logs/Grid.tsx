// The rows of an answer: only those in view are drawn, and the arrow keys go from cell to cell.
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowDownRegular, ArrowUpRegular } from '@fluentui/react-icons'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type MouseEvent, type PointerEvent, memo, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { LogsColumn } from '../../api/types'
import { copyText } from '../../parts/Copy'
import { type Row, cellText, isNumber, isTime, textOf } from './values'

export interface Sort {
  column: number
  descending: boolean
}

export interface GridProps {
  label: string
  columns: readonly LogsColumn[]
  /** Indices of columns, as they are shown. */
  shown: readonly number[]
  rows: readonly Row[]
  sort: Sort | undefined
  onSort: (sort: Sort | undefined) => void
  /** A row of `rows`, and the column that was at hand. */
  onOpen: (row: number, column: number) => void
}

const ROW_PX = 30
const CHAR_PX = 7.1
const SAMPLED_ROWS = 60
/** Of a longer value the cell shows the beginning; the drawer has all of it. */
const DRAWN_CHARS = 400
const WIDTH_LEAST = 72
/** The column with the button that opens a row. */
const OPEN_PX = 40

const useStyles = makeStyles({
  scroll: {
    overflow: 'auto', maxHeight: 'max(240px, 52vh)', border: `1px solid ${tokens.colorNeutralStroke2}`, position: 'relative',
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1,
    fontSize: tokens.fontSizeBase200,
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-1px' },
  },
  head: { position: 'sticky', top: 0, zIndex: 1, backgroundColor: tokens.colorNeutralBackground2, width: 'max-content', minWidth: '100%' },
  row: { display: 'grid', width: 'max-content', minWidth: '100%', height: `${ROW_PX}px`, borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
  body: { position: 'relative', width: 'max-content', minWidth: '100%' },
  placed: { position: 'absolute', top: 0, left: 0, ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover } },
  th: { fontWeight: tokens.fontWeightSemibold, minWidth: 0, position: 'relative' },
  pull: { position: 'absolute', top: 0, bottom: 0, right: 0, width: '7px', cursor: 'col-resize', touchAction: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralStroke1 } },
  sort: {
    display: 'flex', alignItems: 'center', gap: '4px', width: '100%', height: '100%', padding: '0 10px', border: 'none',
    background: 'none', font: 'inherit', color: 'inherit', cursor: 'pointer', textAlign: 'start', whiteSpace: 'nowrap', overflow: 'hidden',
    ':hover': { backgroundColor: tokens.colorNeutralBackground2Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  td: {
    padding: '0 10px', lineHeight: `${ROW_PX - 1}px`, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', minWidth: 0,
    fontFamily: tokens.fontFamilyMonospace, cursor: 'default',
  },
  end: { textAlign: 'end', fontVariantNumeric: 'tabular-nums', '& button': { justifyContent: 'flex-end' } },
  here: { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  open: { padding: 0, display: 'grid', placeItems: 'center' },
  button: {
    width: '26px', height: '24px', padding: 0, border: 'none', background: 'none', color: tokens.colorNeutralForeground2, cursor: 'pointer',
    font: 'inherit', borderRadius: tokens.borderRadiusMedium, ':hover': { backgroundColor: tokens.colorNeutralBackground1Selected },
  },
})

/** As wide as what stands in the first rows, within reason. */
const widthOf = (column: LogsColumn, at: number, rows: readonly Row[]): number => {
  let most = column.name.length + (isTime(column) ? 9 : 4)
  for (const row of rows.slice(0, SAMPLED_ROWS)) most = Math.max(most, cellText(column, row[at]).length)
  return Math.round(Math.min(460, Math.max(WIDTH_LEAST, most * CHAR_PX + 24)))
}

export const Grid = ({ label, columns, shown, rows, sort, onSort, onOpen }: GridProps) => {
  const s = useStyles()
  const id = useId()
  const scroll = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState({ row: 0, cell: 0 })
  const hasRows = rows.length > 0
  const [pulled, setPulled] = useState<Record<number, number>>({})
  const natural = useMemo(
    () => columns.map((column, i) => widthOf(column, i, rows)),
    // Rows that come later do not move the columns about.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [columns, hasRows],
  )
  const widths = shown.map((i) => pulled[i] ?? natural[i] ?? WIDTH_LEAST)
  const template = `${OPEN_PX}px ${widths.map((w, i) => (i === widths.length - 1 ? `minmax(${w}px, 1fr)` : `${w}px`)).join(' ')}`
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroll.current, estimateSize: () => ROW_PX, overscan: 12,
    scrollPaddingStart: ROW_PX,
  })
  const items = virtual.getVirtualItems()
  const row = Math.min(at.row, Math.max(0, rows.length - 1))
  const cell = Math.min(at.cell, Math.max(0, shown.length - 1))
  useEffect(() => setAt({ row: 0, cell: 0 }), [columns])

  const go = (to: { row?: number; cell?: number }) => {
    const next = {
      row: Math.max(0, Math.min(to.row ?? row, rows.length - 1)),
      cell: Math.max(0, Math.min(to.cell ?? cell, shown.length - 1)),
    }
    setAt(next)
    virtual.scrollToIndex(next.row)
    const left = OPEN_PX + widths.slice(0, next.cell).reduce((sum, w) => sum + w, 0)
    const view = scroll.current
    if (!view) return
    if (left < view.scrollLeft + OPEN_PX) view.scrollLeft = left - OPEN_PX
    else if (left + (widths[next.cell] ?? 0) > view.scrollLeft + view.clientWidth)
      view.scrollLeft = left + (widths[next.cell] ?? 0) - view.clientWidth
  }
  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || !hasRows) return
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 300) / ROW_PX) - 2)
    const ctrl = event.ctrlKey || event.metaKey
    const to = {
      ArrowDown: { row: row + 1 }, ArrowUp: { row: row - 1 }, ArrowRight: { cell: cell + 1 }, ArrowLeft: { cell: cell - 1 },
      PageDown: { row: row + page }, PageUp: { row: row - page },
      Home: ctrl ? { row: 0, cell: 0 } : { cell: 0 },
      End: ctrl ? { row: rows.length - 1, cell: shown.length - 1 } : { cell: shown.length - 1 },
    }[event.key]
    if (to) go(to)
    else if (event.key === 'Enter') onOpen(row, shown[cell] ?? 0)
    else if (ctrl && event.key === 'c' && !window.getSelection()?.toString()) void copyText(textOf(rows[row]?.[shown[cell] ?? 0]))
    else return
    event.preventDefault()
  }
  const click = (event: MouseEvent) => {
    const { row: clicked, nth } = (event.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset ?? {}
    if (clicked === undefined) return
    if (nth === undefined) onOpen(Number(clicked), shown[cell] ?? 0)
    else if (event.type === 'dblclick') onOpen(Number(clicked), shown[Number(nth)] ?? 0)
    else setAt({ row: Number(clicked), cell: Number(nth) })
  }
  const looks = useMemo(
    () => ({ row: mergeClasses(s.row, s.placed), open: s.open, button: s.button, cell: s.td, number: mergeClasses(s.td, s.end), here: s.here }),
    [s],
  )
  /** Pulls the right edge of a column; the whole value is in the drawer for whom it is too far. */
  const pull = (event: PointerEvent<HTMLElement>, column: number, width: number) => {
    const from = event.clientX
    const handle = event.currentTarget
    handle.setPointerCapture(event.pointerId)
    handle.onpointermove = (move) => setPulled((now) => ({ ...now, [column]: Math.max(WIDTH_LEAST, width + move.clientX - from) }))
    handle.onpointerup = () => {
      handle.onpointermove = null
    }
  }
  const sortBy = (column: number) =>
    onSort(sort?.column !== column ? { column, descending: false } : sort.descending ? undefined : { column, descending: true })

  return (
    <div ref={scroll} role="grid" aria-label={label} tabIndex={0} className={s.scroll} onKeyDown={press}
      aria-rowcount={rows.length + 1} aria-colcount={shown.length + 1} aria-readonly
      aria-activedescendant={items.some(({ index }) => index === row) ? `${id}${row}-${cell}` : undefined}>
      <div role="rowgroup" className={s.head}>
        <div role="row" aria-rowindex={1} className={s.row} style={{ gridTemplateColumns: template }}>
          <div role="columnheader" aria-label="Whole row" />
          {shown.map((i, nth) => {
            const column = columns[i] as LogsColumn
            const by = sort?.column === i ? (sort.descending ? 'descending' : 'ascending') : 'none'
            return (
              <div key={i} role="columnheader" aria-sort={by} className={mergeClasses(s.th, isNumber(column) && s.end)}>
                <button type="button" className={s.sort} onClick={() => sortBy(i)} title={[column.type, column.meaning].filter(Boolean).join(': ')}>
                  {column.name}{isTime(column) && ' (UTC)'}
                  {by === 'ascending' && <ArrowUpRegular aria-hidden />}
                  {by === 'descending' && <ArrowDownRegular aria-hidden />}
                </button>
                <div className={s.pull} aria-hidden onPointerDown={(event) => pull(event, i, widths[nth] ?? WIDTH_LEAST)} />
              </div>
            )
          })}
        </div>
      </div>
      {hasRows && <div role="rowgroup" className={s.body} style={{ height: virtual.getTotalSize() }} onClick={click} onDoubleClick={click}>
        {items.map(({ index, start }) => (
          <OneRow key={index} id={id} index={index} top={start} row={rows[index] ?? []} columns={columns} shown={shown} template={template}
            here={index === row ? cell : -1} looks={looks} />
        ))}
      </div>}
    </div>
  )
}

interface OneRowProps extends Pick<GridProps, 'columns' | 'shown'> {
  id: string
  index: number
  top: number
  row: Row
  template: string
  /** The cell at hand; none is -1. */
  here: number
  looks: Record<'row' | 'open' | 'button' | 'cell' | 'number' | 'here', string>
}

/** Drawn anew only when it changes: scrolling moves many of them. Clicks are heard by the body. */
const OneRow = memo(({ id, index, top, row, columns, shown, template, here, looks }: OneRowProps) => (
  <div role="row" aria-rowindex={index + 2} className={looks.row} style={{ gridTemplateColumns: template, transform: `translateY(${top}px)` }}>
    <div role="gridcell" className={looks.open}>
      <button type="button" className={looks.button} tabIndex={-1} aria-label={`Open row ${index + 1}`} data-row={index}>⤢</button>
    </div>
    {shown.map((i, nth) => {
      const column = columns[i] as LogsColumn
      return (
        <div key={i} role="gridcell" id={`${id}${index}-${nth}`} data-row={index} data-nth={nth}
          className={`${isNumber(column) ? looks.number : looks.cell} ${nth === here ? looks.here : ''}`}>
          {cellText(column, row[i]).slice(0, DRAWN_CHARS)}
        </div>
      )
    })}
  </div>
))
