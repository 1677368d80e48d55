// Copying: a button that says it did, and a block of text with one.
import { Button, type ButtonProps, Tooltip, makeStyles, tokens } from '@fluentui/react-components'
import { CheckmarkRegular, CopyRegular } from '@fluentui/react-icons'
import { useEffect, useState } from 'react'
import { notify } from '../frame/notify'

const SHOWN_MS = 2000

export const copyText = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    notify('error', 'Copying was refused by the browser', 'Select the text and copy it by hand.')
    return false
  }
}

export const CopyButton = ({ text, label = 'Copy', ...rest }: { text: string; label?: string } & ButtonProps) => {
  const [done, setDone] = useState(false)
  useEffect(() => {
    if (!done) return
    const timer = window.setTimeout(() => setDone(false), SHOWN_MS)
    return () => window.clearTimeout(timer)
  }, [done])
  return (
    <Tooltip content={done ? 'Copied' : label} relationship="label">
      <Button
        {...(rest as object)}
        size="small"
        appearance="subtle"
        icon={done ? <CheckmarkRegular /> : <CopyRegular />}
        onClick={async () => setDone(await copyText(text))}
      />
    </Tooltip>
  )
}

const useStyles = makeStyles({
  block: {
    position: 'relative',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
  },
  code: {
    margin: 0,
    padding: '10px 44px 10px 12px',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    color: tokens.colorNeutralForeground1,
    overflowX: 'auto',
    whiteSpace: 'pre',
  },
  wrap: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
  button: { position: 'absolute', top: '6px', right: '6px' },
})

/** Text to copy as it is. Scrolls by keyboard when it is wider than its place. */
export const CodeBlock = ({ text, label, wrap = false }: { text: string; label: string; wrap?: boolean }) => {
  const s = useStyles()
  return (
    <div className={s.block}>
      <pre className={`${s.code} ${wrap ? s.wrap : ''}`} tabIndex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
      <div className={s.button}>
        <CopyButton text={text} label={`Copy ${label}`} />
      </div>
    </div>
  )
}

/** A short value in a line with its copy button. */
export const CopyValue = ({ value, label }: { value: string; label: string }) => (
  <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4, minWidth: 0 }}>
    <span style={{ fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' }}>
      {value}
    </span>
    <CopyButton text={value} label={`Copy ${label}`} />
  </span>
)
