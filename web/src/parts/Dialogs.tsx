// Dialogs that act: a form, and the dangerous kind: preview, type the name, proof.
import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input, Spinner,
  makeStyles, tokens,
} from '@fluentui/react-components'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { type CliLine, CopyAsCli } from './CopyAsCli'
import { Fault } from './Guard'

const useStyles = makeStyles({
  content: { display: 'grid', gap: '16px' },
  actions: { flexWrap: 'wrap' },
  danger: {
    backgroundColor: tokens.colorStatusDangerBackground3, color: tokens.colorNeutralForegroundOnBrand,
    ':hover': { backgroundColor: tokens.colorStatusDangerBackground3Hover, color: tokens.colorNeutralForegroundOnBrand },
    ':hover:active': {
      backgroundColor: tokens.colorStatusDangerBackground3Pressed, color: tokens.colorNeutralForegroundOnBrand,
    },
  },
})

export interface FormDialogProps {
  open: boolean
  onClose: () => void
  title: string
  submit: string
  /** Whether it can be sent. */
  ready: boolean
  /** Sends; the dialog closes when it resolves and shows the API's words when it rejects. */
  run: () => Promise<unknown>
  line?: CliLine
  children: ReactNode
}

/** A form in a dialog: Enter sends, faults stand inside. */
export const FormDialog = ({ open, onClose, title, submit, ready, run, line, children }: FormDialogProps) => {
  const s = useStyles()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    if (open) setError(undefined)
  }, [open])
  const send = async (event: FormEvent) => {
    event.preventDefault()
    if (!ready || busy) return
    setBusy(true)
    setError(undefined)
    try {
      await run()
      onClose()
    } catch (fault) {
      setError(fault)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open={open} onOpenChange={(_, data) => !data.open && !busy && onClose()}>
      <DialogSurface>
        <form onSubmit={send}>
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent className={s.content}>
              {children}
              {error !== undefined && <Fault error={error} />}
            </DialogContent>
            <DialogActions className={s.actions} fluid>
              {line && <CopyAsCli lines={[line]} />}
              <Button onClick={onClose} disabled={busy}>Cancel</Button>
              <Button type="submit" appearance="primary" disabledFocusable={!ready || busy}
                icon={busy ? <Spinner size="tiny" /> : null}>
                {submit}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  )
}

export interface DangerDialogProps {
  open: boolean
  onClose: () => void
  title: string
  /** What will happen, before it happens. */
  preview: ReactNode
  /** To be typed; without it a click is enough. */
  name?: string
  submit: string
  /** Does it; what it resolves with is shown as the proof, nothing closes the dialog. */
  run: () => Promise<ReactNode | void>
  line?: CliLine
}

export const DangerDialog = ({ open, onClose, title, preview, name, submit, run, line }: DangerDialogProps) => {
  const s = useStyles()
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [proof, setProof] = useState<ReactNode>()
  useEffect(() => {
    if (!open) return
    setTyped('')
    setError(undefined)
    setProof(undefined)
  }, [open])
  const ready = !name || typed === name
  const act = async (event: FormEvent) => {
    event.preventDefault()
    if (!ready || busy) return
    setBusy(true)
    setError(undefined)
    try {
      const shown = await run()
      if (shown) setProof(shown)
      else onClose()
    } catch (fault) {
      setError(fault)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog modalType="alert" open={open} onOpenChange={(_, data) => !data.open && !busy && onClose()}>
      <DialogSurface>
        <form onSubmit={act}>
          <DialogBody>
            <DialogTitle>{proof ? title.replace(/\?$/, ': done') : title}</DialogTitle>
            <DialogContent className={s.content}>
              {proof ?? (
                <>
                  {preview}
                  {name && (
                    <Field label={<>Type <b>{name}</b> to go on</>}>
                      <Input value={typed} onChange={(_, d) => setTyped(d.value)} autoComplete="off" spellCheck={false} />
                    </Field>
                  )}
                </>
              )}
              {error !== undefined && <Fault error={error} />}
            </DialogContent>
            <DialogActions className={s.actions} fluid>
              {line && !proof && <CopyAsCli lines={[line]} />}
              <Button onClick={onClose} disabled={busy} appearance={proof ? 'primary' : 'secondary'}>
                {proof ? 'Close' : 'Cancel'}
              </Button>
              {!proof && (
                <Button type="submit" className={ready ? s.danger : undefined} disabledFocusable={!ready || busy}
                  icon={busy ? <Spinner size="tiny" /> : null}>
                  {submit}
                </Button>
              )}
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  )
}
