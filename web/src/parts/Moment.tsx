// A moment as it is typed: local time of this browser, sent as RFC 3339 in UTC.
import { Field, Input } from '@fluentui/react-components'
import { utcTime } from '../format'

/** RFC 3339 of what a `datetime-local` field holds; undefined when empty or no moment. */
export const momentOf = (typed: string): string | undefined => {
  const date = new Date(typed)
  if (!typed || Number.isNaN(date.getTime())) return undefined
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** What a `datetime-local` field shows for a moment. */
export const typedOf = (at: string | null | undefined): string => {
  const date = new Date(at ?? '')
  if (!at || Number.isNaN(date.getTime())) return ''
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

interface Props {
  label: string
  hint?: string
  value: string
  onChange: (value: string) => void
}

export const Moment = ({ label, hint, value, onChange }: Props) => {
  const at = momentOf(value)
  return (
    <Field label={label} hint={[hint, at && `In UTC: ${utcTime(at)}.`].filter(Boolean).join(' ')}>
      <Input type="datetime-local" value={value} onChange={(_, data) => onChange(data.value)} />
    </Field>
  )
}
