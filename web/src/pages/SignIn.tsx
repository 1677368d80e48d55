// Signing in: a password, another house's sign-in, or the one-time link that `pgkeep up` printed.
import { Button, Divider, Field, Input, Spinner, Text, Title2, makeStyles, tokens } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { ApiError, api, faultOf } from '../api/client'
import { signInQuery } from '../api/queries'
import { count, sentences } from '../format'
import { ThemeMenu } from '../frame/ThemeMenu'
import { Note } from '../parts/Page'
import { keepBack, safePath } from '../paths'
import { text, useSearchParams } from '../search'

const useStyles = makeStyles({
  page: { minHeight: '100dvh', display: 'grid', placeItems: 'center', padding: '24px', boxSizing: 'border-box',
    backgroundColor: tokens.colorNeutralBackground2 },
  card: {
    display: 'grid', gap: '16px', width: 'min(400px, 100%)', boxSizing: 'border-box', padding: '36px 36px 32px',
    backgroundColor: tokens.colorNeutralBackground1, borderRadius: tokens.borderRadiusXLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`, boxShadow: tokens.shadow8,
  },
  h1: { margin: 0 },
  brand: { display: 'flex', alignItems: 'center', gap: '12px' },
  form: { display: 'grid', gap: '14px' },
  quiet: { color: tokens.colorNeutralForeground2 },
  theme: { position: 'absolute', top: '12px', right: '12px' },
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
})

/** What stands in the fragment, taken out of the address bar and of history at once. */
const takeFragment = (): { link: string | undefined; error: string | undefined } => {
  const said = new URLSearchParams(window.location.hash.slice(1))
  if (window.location.hash) {
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search)
  }
  return { link: said.get('link') ?? undefined, error: said.get('error') ?? undefined }
}

/** Why a sign-in at a provider failed, by the code that the plane sends back. */
const whys: Record<string, string> = {
  oidc_refused: 'The provider did not sign you in, or none of your groups has a role here.',
  oidc_failed: 'The provider could not be used. The log of the plane says why.',
  too_many_requests: 'Too many sign-ins began at once. Wait a moment.',
  not_found: 'No provider is set up.',
}

const schema = { back: text() }

export const SignIn = () => {
  const s = useStyles()
  const router = useRouter()
  const client = useQueryClient()
  const [search] = useSearchParams(schema)
  const ways = useQuery(signInQuery)
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [why, setWhy] = useState<string>()

  const enter = async (sign: () => Promise<unknown>) => {
    setBusy(true)
    setError(undefined)
    setWhy(undefined)
    try {
      await sign()
      client.clear()
      router.history.replace(safePath(search.back))
    } catch (fault) {
      setError(fault)
      setPassword('')
      setBusy(false)
    }
  }

  useEffect(() => {
    document.title = 'Sign in · pgkeep'
    const follow = () => {
      const { link, error } = takeFragment()
      if (error) setWhy(whys[error] ?? whys.oidc_failed)
      if (link) void enter(() => api.post('/session/link', { link }))
    }
    follow()
    // A link that is pasted where this page is open already changes the fragment and loads nothing.
    window.addEventListener('hashchange', follow)
    return () => window.removeEventListener('hashchange', follow)
  })

  const send = (event: FormEvent) => {
    event.preventDefault()
    if (username && password) void enter(() => api.post('/session', { username, password }))
  }
  const fault = error === undefined ? undefined : faultOf(error)
  const wait = error instanceof ApiError ? error.retryAfter : undefined
  const oidc = ways.data?.oidc ?? []
  return (
    <main className={s.page}>
      <div className={s.theme}><ThemeMenu /></div>
      <div className={s.card}>
        <div className={s.brand}>
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <Title2 as="h1" className={s.h1}>Sign in to pgkeep</Title2>
        </div>
        {fault && (
          <Note intent="error" title={sentences(fault.message)}
            text={sentences(fault.detail, wait !== undefined && `Try again in ${count(wait, 'second')}`, fault.hint)} />
        )}
        {!fault && why && <Note intent="error" title="Signing in was refused." text={why} />}
        {oidc.map(({ title, start }) => (
          <Button key={start} as="a" size="large" href={start}
            onClick={() => keepBack(search.back)}>
            Sign in with {title}
          </Button>
        ))}
        {oidc.length > 0 && <Divider>or</Divider>}
        {ways.data?.password !== false && (
          <form onSubmit={send} className={s.form}>
            <Field label="User name">
              <Input size="large" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus
                value={username} onChange={(_, d) => setUsername(d.value)} />
            </Field>
            <Field label="Password">
              <Input size="large" name="password" type="password" autoComplete="current-password"
                value={password} onChange={(_, d) => setPassword(d.value)} />
            </Field>
            <Button type="submit" size="large" appearance="primary" disabledFocusable={busy || !username || !password}
              icon={busy ? <Spinner size="tiny" /> : null}>
              {busy ? 'Signing in' : 'Sign in'}
            </Button>
          </form>
        )}
        <Text size={200} className={s.quiet}>
          The first time? On the machine that runs pgkeep, this prints a link that signs you in
          once: <span className={s.code}>pgkeep portal login-link</span>
        </Text>
      </div>
    </main>
  )
}
