// What stands in a widget's place while it loads, when it failed, when it is empty.
import { Button, Skeleton, SkeletonItem, Text, makeStyles, tokens } from '@fluentui/react-components'
import type { UseQueryResult } from '@tanstack/react-query'
import { Component, type ReactNode, useEffect, useState } from 'react'
import { ApiError, faultOf } from '../api/client'
import { sentences } from '../format'
import { CodeBlock } from './Copy'
import { Forbidden } from './Forbidden'
import { Note } from './Page'

const useStyles = makeStyles({
  lines: { display: 'grid', gap: '12px', padding: '8px 0' },
  empty: {
    display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '8px', justifyItems: 'start', padding: '28px 24px',
    maxWidth: '80ch', border: `1px dashed ${tokens.colorNeutralStroke1}`, borderRadius: tokens.borderRadiusLarge,
  },
  quiet: { color: tokens.colorNeutralForeground2 },
  code: { width: '100%', paddingTop: '4px' },
  actions: { display: 'flex', gap: '8px', paddingTop: '8px' },
})

/** Nothing for a moment, then grey lines where the content will stand. */
export const Loading = ({ lines = 5 }: { lines?: number }) => {
  const s = useStyles()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(true), 120)
    return () => window.clearTimeout(timer)
  }, [])
  if (!shown) return <div style={{ minHeight: lines * 28 }} aria-busy />
  return (
    <Skeleton aria-label="Loading" className={s.lines}>
      {Array.from({ length: lines }, (_, i) => (
        <SkeletonItem key={i} style={{ width: `${92 - ((i * 17) % 40)}%` }} size={16} />
      ))}
    </Skeleton>
  )
}

/** What failed, in the API's words, with a way to ask again. */
export const Fault = ({ error, what, again }: { error: unknown; what?: string; again?: () => void }) => {
  // Other refusals with 403 are about what was asked, not about who asked.
  if (error instanceof ApiError && error.status === 403 && error.fault.code === 'forbidden') return <Forbidden fault={error.fault} />
  const fault = faultOf(error)
  return (
    <Note
      intent="error"
      title={sentences(what ? `${what}: ${fault.message}` : fault.message)}
      text={
        <>
          {sentences(fault.detail, fault.hint)}
          {fault.request_id && <> (request {fault.request_id})</>}
        </>
      }
      actions={again && <Button size="small" onClick={again}>Ask again</Button>}
    />
  )
}

/** A widget that waits for a query and fails alone. Keeps old data while new data cannot be had. */
export const Guard = <T,>({ query, lines, what, children }: {
  query: UseQueryResult<T>
  lines?: number
  what?: string
  children: (data: T) => ReactNode
}) => {
  if (query.data !== undefined) {
    // No answer at all is said once, by the frame.
    const stale = query.error && !(query.error instanceof ApiError && query.error.status === 0)
    return (
      <>
        {stale && <Fault error={query.error} what="what you see is old" again={() => void query.refetch()} />}
        <Boundary><Drawn render={children} data={query.data} /></Boundary>
      </>
    )
  }
  if (query.error) return <Fault error={query.error} {...(what ? { what } : {})} again={() => void query.refetch()} />
  return <Loading {...(lines ? { lines } : {})} />
}

/** Draws inside the boundary: what it throws is caught there. */
const Drawn = <T,>({ render, data }: { render: (data: T) => ReactNode; data: T }) => <>{render(data)}</>

/** A widget that broke says so; the page around it lives on. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <Fault error={this.state.error} what="This part of the page broke" again={() => this.setState({ error: undefined })} />
    )
  }
}

/** An empty place that teaches what would stand here and how it comes to be. */
export const Empty = ({ title, text, cli, actions }: {
  title: string
  text: ReactNode
  cli?: string
  actions?: ReactNode
}) => {
  const s = useStyles()
  return (
    <div className={s.empty}>
      <Text weight="semibold" size={400}>{title}</Text>
      <Text className={s.quiet}>{text}</Text>
      {cli && <div className={s.code}><CodeBlock wrap text={cli} label="command line" /></div>}
      {actions && <div className={s.actions}>{actions}</div>}
    </div>
  )
}
