// The variables by which the Azure SDKs become an identity. One is a secret: it is asked for when
// somebody wants to see it, lives in this component only, and is forgotten when it is hidden.
import { Button, Text, makeStyles, tokens } from '@fluentui/react-components'
import { EyeOffRegular, EyeRegular } from '@fluentui/react-icons'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { CopyAsCli } from '../../parts/CopyAsCli'
import { Fault } from '../../parts/Guard'
import { Note, Section } from '../../parts/Page'
import { apiPath } from '../../paths'

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground2, maxWidth: '80ch' },
  buttons: { display: 'flex', gap: '8px', flexWrap: 'wrap' },
})

/** So long the secret stays on the screen. */
const SHOWN_MS = 120_000

interface Variables {
  IDENTITY_ENDPOINT: string
  IDENTITY_HEADER: string
  AZURE_CLIENT_ID: string
}

const NAMES = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_CLIENT_ID'] as const

export const Environment = ({ name }: { name: string }) => {
  const s = useStyles()
  const [shown, setShown] = useState<Variables>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    if (!shown) return
    const timer = window.setTimeout(() => setShown(undefined), SHOWN_MS)
    return () => window.clearTimeout(timer)
  }, [shown])
  const reveal = async () => {
    setBusy(true)
    setError(undefined)
    try {
      setShown(await api.post<Variables>(apiPath`/identities/${name}/env`))
    } catch (fault) {
      setError(fault)
    } finally {
      setBusy(false)
    }
  }
  const text = (of: Variables) => NAMES.map((variable) => `${variable}=${of[variable]}`).join('\n')
  return (
    <Section
      title="Environment for SDKs"
      aside={
        <span className={s.buttons}>
          {shown ? (
            <Button size="small" icon={<EyeOffRegular />} onClick={() => setShown(undefined)}>Hide</Button>
          ) : (
            <Button size="small" icon={<EyeRegular />} disabledFocusable={busy} onClick={() => void reveal()}>
              Show the variables
            </Button>
          )}
          <CopyAsCli
            lines={[
              {
                title: 'Run a program as this identity',
                cli: `env $(pgkeep identity env -n ${shell(name)}) python3 app.py`,
                method: 'POST',
                path: apiPath`/identities/${name}/env`,
              },
            ]}
          />
        </span>
      }
    >
      <Text size={200} className={s.quiet}>
        A program of this machine with these variables is this identity: ManagedIdentityCredential and
        DefaultAzureCredential find them by themselves. IDENTITY_HEADER is a secret; showing it is recorded.
      </Text>
      {shown && (
        <>
          <Note
            intent="warning"
            title="A secret is on your screen."
            text="Whoever knows it is this identity on this machine. It hides by itself after two minutes and is not kept here."
          />
          <CodeBlock text={text(shown)} label="environment variables" wrap />
        </>
      )}
      {error !== undefined && <Fault error={error} again={() => void reveal()} />}
    </Section>
  )
}
