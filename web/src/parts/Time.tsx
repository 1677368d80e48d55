import { Tooltip } from '@fluentui/react-components'
import { ago, localTime, utcTime } from '../format'

/** A moment: local time or age as text, UTC on hover and focus. */
export const Time = ({ at, age = false }: { at: string | null | undefined; age?: boolean }) => {
  if (!at) return <>–</>
  return (
    <Tooltip content={age ? `${localTime(at)} (${utcTime(at)})` : utcTime(at)} relationship="description">
      <time dateTime={at} style={{ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}>
        {age ? ago(at) : localTime(at)}
      </time>
    </Tooltip>
  )
}
