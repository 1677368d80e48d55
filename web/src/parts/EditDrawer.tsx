// A drawer at the right for one thing that is made or changed; never one above another.
import {
  Button,
  DrawerBody,
  DrawerFooter,
  DrawerHeader,
  DrawerHeaderTitle,
  OverlayDrawer,
  Text,
  makeStyles,
  tokens,
} from '@fluentui/react-components'
import { DismissRegular } from '@fluentui/react-icons'
import type { FormEvent, ReactNode } from 'react'
import { type CliLine, CopyAsCli } from './CopyAsCli'
import { Fault } from './Guard'

const useStyles = makeStyles({
  drawer: { width: 'min(560px, 100vw)' },
  form: { display: 'contents' },
  body: {
    display: 'flex', flexDirection: 'column', gap: '18px', padding: '4px 24px 24px',
    '& > *': { flexShrink: 0 },
  },
  lead: { color: tokens.colorNeutralForeground2 },
  footer: {
    display: 'flex', flexWrap: 'wrap', gap: '8px', padding: '12px 24px',
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  gap: { flexGrow: 1 },
})

export interface EditDrawerProps {
  title: string
  lead?: ReactNode
  children: ReactNode
  onClose: () => void
  /** The button that does it; none for a drawer that only shows. */
  submit?: { label: string; busy: boolean; refused?: string | false | undefined } | undefined
  onSubmit?: () => void
  /** Further buttons, after the first one. */
  buttons?: ReactNode
  /** What the server refused; shown in its words, what was typed stays. */
  error?: unknown
  lines?: CliLine[]
}

export const EditDrawer = (props: EditDrawerProps) => {
  const { title, lead, children, onClose, submit, onSubmit, buttons, error, lines = [] } = props
  const s = useStyles()
  const go = (event: FormEvent) => {
    event.preventDefault()
    if (submit && !submit.busy && !submit.refused) onSubmit?.()
  }
  return (
    <OverlayDrawer
      open
      position="end"
      className={s.drawer}
      onOpenChange={(_, data) => !data.open && onClose()}
    >
      <form className={s.form} onSubmit={go} noValidate>
        <DrawerHeader>
          <DrawerHeaderTitle
            action={
              <Button
                appearance="subtle"
                aria-label="Close"
                icon={<DismissRegular />}
                onClick={onClose}
              />
            }
          >
            <span style={{ overflowWrap: 'anywhere' }}>{title}</span>
          </DrawerHeaderTitle>
        </DrawerHeader>
        <DrawerBody className={s.body}>
          {lead && <Text className={s.lead}>{lead}</Text>}
          {children}
          {Boolean(error) && <div role="alert"><Fault error={error} /></div>}
        </DrawerBody>
        {(submit || buttons || lines.length > 0) && (
          <DrawerFooter className={s.footer}>
            {submit && (
              <Button
                type="submit"
                appearance="primary"
                disabledFocusable={submit.busy || Boolean(submit.refused)}
                title={submit.refused || undefined}
              >
                {submit.label}
              </Button>
            )}
            {buttons}
            <span className={s.gap} />
            {lines.length > 0 && <CopyAsCli lines={lines} />}
          </DrawerFooter>
        )}
      </form>
    </OverlayDrawer>
  )
}
