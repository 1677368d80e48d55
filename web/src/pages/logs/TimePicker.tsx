// Which events count: a usual range, two moments, or what the query says itself.
import {
  Field, Input, Menu, MenuButton, MenuDivider, MenuItem, MenuItemRadio, MenuList, MenuPopover, MenuTrigger, Text,
} from '@fluentui/react-components'
import { ClockRegular } from '@fluentui/react-icons'
import { useEffect, useState } from 'react'
import { FormDialog } from '../../parts/Dialogs'
import { IN_QUERY, RANGES, between, localEnds, localInput, timespanText } from './timespan'

const DAY_MS = 86_400_000

export const TimePicker = ({ value, onChange }: { value: string; onChange: (timespan: string) => void }) => {
  const [asking, setAsking] = useState(false)
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  useEffect(() => {
    if (!asking) return
    const [a, b] = localEnds(value) ?? [localInput(Date.now() - DAY_MS), localInput(Date.now())]
    setFrom(a)
    setTo(b)
  }, [asking, value])
  const made = between(from, to)
  return (
    <>
      <Menu checkedValues={{ range: [value] }} onCheckedValueChange={(_, data) => onChange(data.checkedItems[0] ?? IN_QUERY)}>
        <MenuTrigger disableButtonEnhancement>
          <MenuButton size="small" appearance="subtle" icon={<ClockRegular />} aria-label={`Time range: ${timespanText(value)}`}>
            {timespanText(value)}
          </MenuButton>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            {RANGES.map(({ id, text }) => <MenuItemRadio key={id} name="range" value={id}>{text}</MenuItemRadio>)}
            <MenuDivider />
            <MenuItemRadio name="range" value={IN_QUERY}>Set in query</MenuItemRadio>
            <MenuItem onClick={() => setAsking(true)}>From … to …</MenuItem>
          </MenuList>
        </MenuPopover>
      </Menu>
      <FormDialog open={asking} onClose={() => setAsking(false)} title="Time range" submit="Take it" ready={made !== undefined}
        run={async () => { if (made) onChange(made) }}>
        <Field label="From" required>
          <Input type="datetime-local" value={from} onChange={(_, data) => setFrom(data.value)} />
        </Field>
        <Field label="To" required
          {...(from && to && !made ? { validationState: 'error', validationMessage: 'The end must come after the beginning.' } : {})}>
          <Input type="datetime-local" value={to} onChange={(_, data) => setTo(data.value)} />
        </Field>
        <Text size={200}>In the time of this computer. The query sees UTC: {made ?? '–'}</Text>
      </FormDialog>
    </>
  )
}
