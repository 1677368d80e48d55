// Ways to sign in: sessions, lock-out, a provider of OpenID Connect.
import { Button, Field, Input, Switch, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular } from '@fluentui/react-icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, call } from '../../api/client'
import { notify } from '../../frame/notify'
import { CopyValue } from '../../parts/Copy'
import { DangerDialog } from '../../parts/Dialogs'
import { Fault, Guard } from '../../parts/Guard'
import { Card, Note, Page, Section } from '../../parts/Page'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { Provider } from './Provider'
import { type SignInSettings, newProvider, signInBody, signInComplaints } from './signIn'

const useStyles = makeStyles({
  grid: {
    display: 'grid', gap: '16px 32px', alignItems: 'start',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(260px, 100%), 1fr))',
  },
  quiet: { color: tokens.colorNeutralForeground2, maxWidth: '80ch' },
  bar: { display: 'flex', gap: '8px', alignItems: 'center', flexWrap: 'wrap' },
})

const PATH = '/settings/sign-in'

export const SignInSettingsPage = () => {
  const s = useStyles()
  const client = useQueryClient()
  const query = useQuery({
    queryKey: ['settings', 'sign-in'],
    queryFn: ({ signal }) => call<SignInSettings>('GET', PATH, { signal }),
  })
  const [draft, setDraft] = useState<SignInSettings>()
  const [turningOff, setTurningOff] = useState(false)
  const stored = query.data?.data
  const now = draft ?? stored
  const wrong = now ? signInComplaints(now) : {}
  const save = useMutation({
    mutationFn: (wanted: SignInSettings) => api.put(PATH, signInBody(wanted), query.data?.etag),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['settings', 'sign-in'] })
      await client.invalidateQueries({ queryKey: ['sign-in'] })
      setDraft(undefined)
      notify('success', 'The ways to sign in were saved')
    },
  })
  const set = (part: Partial<SignInSettings>) => {
    if (now) setDraft({ ...now, ...part })
    save.reset()
  }
  const ends = Boolean(stored?.oidc) && now !== undefined && !now.oidc
  const said = (field: string) =>
    wrong[field] ? ({ validationState: 'error', validationMessage: wrong[field] } as const) : {}
  const number = (field: 'session_idle_minutes' | 'session_minutes' | 'lock_after' | 'lock_max_seconds') => ({
    type: 'number' as const,
    value: String(now?.[field] ?? ''),
    onChange: (_: unknown, data: { value: string }) => set({ [field]: data.value === '' ? NaN : Number(data.value) }),
  })
  return (
    <Page
      title="Sign-in"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lead="Accounts with a password always work; a provider of OpenID Connect may be added. A one-time link from this machine works even when both do not."
      actions={[{ label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() }]}
      lines={[
        { title: 'Show', path: PATH },
        ...(now
          ? [{ title: 'Save', method: 'PUT' as const, path: PATH, body: { ...signInBody(now), ...masked(now) } }]
          : []),
        { title: 'A one-time link to sign in', cli: 'pgkeep portal login-link', method: 'POST', path: '/login-links' },
      ]}
    >
      <Guard query={query} what="Sign-in">
        {() =>
          now && (
            <>
              <Section title="Sessions and lock-out">
                <Card>
                  <div className={s.grid}>
                    <Field label="A session ends unused after (minutes)" hint="Counts from the last click." {...said('session_idle_minutes')}>
                      <Input {...number('session_idle_minutes')} />
                    </Field>
                    <Field label="Every session ends after (minutes)" hint="Then one signs in anew." {...said('session_minutes')}>
                      <Input {...number('session_minutes')} />
                    </Field>
                    <Field
                      label="Failures in a row that lock an account"
                      hint="Each further one doubles the lock, from 15 seconds on."
                      {...said('lock_after')}
                    >
                      <Input {...number('lock_after')} />
                    </Field>
                    <Field label="Longest lock (seconds)" hint="Nobody can lock another out for longer." {...said('lock_max_seconds')}>
                      <Input {...number('lock_max_seconds')} />
                    </Field>
                  </div>
                </Card>
              </Section>
              <Section
                title="OpenID Connect"
                aside={
                  <Switch
                    checked={Boolean(now.oidc)}
                    label={now.oidc ? 'on' : 'off'}
                    labelPosition="before"
                    aria-label="OpenID Connect"
                    onChange={(_, data) => set({ oidc: data.checked ? (stored?.oidc ?? newProvider()) : null })}
                  />
                }
              >
                <Text size={200} className={s.quiet}>
                  Register pgkeep at the provider as a confidential client with this redirect address:{' '}
                  <CopyValue value={`${window.location.origin}/api/v1/sign-in/oidc/callback`} label="redirect address" />
                </Text>
                {now.oidc ? (
                  <Provider oidc={now.oidc} onChange={(oidc) => set({ oidc })} wrong={wrong} />
                ) : (
                  ends && <Note intent="warning" title="Everybody who came through the provider is signed out when you save." />
                )}
              </Section>
              {save.error && <div role="alert"><Fault error={save.error} /></div>}
              <div className={s.bar}>
                <Button
                  appearance="primary"
                  disabledFocusable={!draft || save.isPending || Object.keys(wrong).length > 0}
                  onClick={() => {
                    if (!draft || save.isPending || Object.keys(wrong).length > 0) return
                    if (ends) setTurningOff(true)
                    else save.mutate(draft)
                  }}
                >
                  {save.isPending ? 'Saving…' : 'Save'}
                </Button>
                <Button disabledFocusable={!draft} onClick={() => { setDraft(undefined); save.reset() }}>Discard</Button>
                {draft && <Text>Not saved yet.</Text>}
              </div>
            </>
          )
        }
      </Guard>
      <DangerDialog
        open={turningOff}
        onClose={() => setTurningOff(false)}
        title="Turn OpenID Connect off?"
        preview={
          <Text>
            Everybody who came through {stored?.oidc?.label ?? 'the provider'} is signed out and cannot come back. Make
            sure that you have an account with a password. The client secret is forgotten.
          </Text>
        }
        submit="Turn off"
        run={async () => {
          if (draft) await save.mutateAsync(draft)
        }}
      />
    </Page>
  )
}

/** For the shown command: a typed secret stays on the page. */
const masked = (s: SignInSettings) =>
  s.oidc?.client_secret ? { oidc: { ...signInBody(s).oidc, client_secret: '…' } } : {}
