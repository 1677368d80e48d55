// Toasts, and the list that keeps what they said.
import {
  Button, CounterBadge, Popover, PopoverSurface, PopoverTrigger, Text, Toast, ToastBody, ToastTitle, Toaster,
  Tooltip, makeStyles, tokens, useId, useToastController,
} from '@fluentui/react-components'
import { AlertRegular } from '@fluentui/react-icons'
import { useEffect, useRef } from 'react'
import { Link } from '../parts/Link'
import { Badge, type Tone } from '../parts/State'
import { Time } from '../parts/Time'
import { type Note, clearNotes, markRead, notes } from './notify'

const tones: Record<Note['intent'], Tone> = { info: 'quiet', success: 'good', warning: 'warn', error: 'bad' }
const SHOWN_MS = 5000
const SHOWN_ERROR_MS = 15_000

export const Toasts = () => {
  const id = useId('toasts')
  const { dispatchToast } = useToastController(id)
  const all = notes.use()
  const seen = useRef(0)
  useEffect(() => {
    const fresh = all.filter((note) => note.id > seen.current).reverse()
    for (const note of fresh) {
      seen.current = note.id
      dispatchToast(
        <Toast>
          <ToastTitle>{note.title}</ToastTitle>
          {note.detail && <ToastBody>{note.detail}</ToastBody>}
        </Toast>,
        { intent: note.intent, timeout: note.intent === 'error' ? SHOWN_ERROR_MS : SHOWN_MS, pauseOnHover: true },
      )
    }
  }, [all, dispatchToast])
  return <Toaster toasterId={id} position="bottom-end" />
}

const useStyles = makeStyles({
  surface: { width: 'min(420px, 92vw)', maxHeight: '70vh', overflowY: 'auto', padding: '12px 16px' },
  head: { display: 'flex', alignItems: 'center', justifyContent: 'space-between', paddingBottom: '8px' },
  note: { display: 'grid', gap: '2px', padding: '8px 0', borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  quiet: { color: tokens.colorNeutralForeground2 },
  bell: { position: 'relative' },
  counter: { position: 'absolute', top: '-2px', right: '-2px', pointerEvents: 'none' },
})

export const NoteList = () => {
  const s = useStyles()
  const all = notes.use()
  const unread = all.filter((note) => !note.read).length
  return (
    <Popover trapFocus positioning="below-end" onOpenChange={(_, data) => !data.open && markRead()}>
      <PopoverTrigger disableButtonEnhancement>
        <Tooltip content={unread ? `Notifications, ${unread} new` : 'Notifications'} relationship="label">
          <Button appearance="subtle" className={s.bell} icon={
            <>
              <AlertRegular />
              {unread > 0 && <CounterBadge className={s.counter} size="small" count={unread} />}
            </>
          } />
        </Tooltip>
      </PopoverTrigger>
      <PopoverSurface className={s.surface} aria-label="Notifications">
        <div className={s.head}>
          <Text weight="semibold">Notifications</Text>
          <Button size="small" appearance="subtle" onClick={clearNotes} disabled={!all.length}>Clear</Button>
        </div>
        {all.length === 0 && <Text className={s.quiet}>What you start, and how it ended, is kept here until you close the tab.</Text>}
        {all.map((note) => (
          <div key={note.id} className={s.note}>
            <Badge tone={tones[note.intent]}>{note.title}</Badge>
            {note.detail && <Text>{note.detail}</Text>}
            <Text size={200} className={s.quiet}>
              <Time at={note.at} age />{note.link && <> · <Link to={note.link}>open</Link></>}
            </Text>
          </div>
        ))}
      </PopoverSurface>
    </Popover>
  )
}
