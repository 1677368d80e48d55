// Connecting: text to copy for each program, and the certificate that makes it verify.
import { Button, Field, Input, Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowDownloadRegular } from '@fluentui/react-icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { api } from '../../api/client'
import type { ConnectInfo } from '../../api/types'
import { shell } from '../../format'
import { CodeBlock, CopyValue } from '../../parts/Copy'
import { Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { StateBadge } from '../../parts/State'
import { serverCrumbs, serverTabs } from '../../parts/tabs'
import { apiPath, paths } from '../../paths'
import { text, useSearchParams } from '../../search'
import { useServer } from './useServer'

const useStyles = makeStyles({
  two: { display: 'grid', gridTemplateColumns: '180px minmax(0, 1fr)', gap: '20px', alignItems: 'start',
    '@media (max-width: 760px)': { gridTemplateColumns: 'minmax(0, 1fr)' } },
  list: { display: 'grid', gap: '2px', padding: '6px', border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1 },
  entry: { justifyContent: 'flex-start', fontWeight: tokens.fontWeightRegular },
  here: { fontWeight: tokens.fontWeightSemibold, backgroundColor: tokens.colorNeutralBackground1Selected,
    color: tokens.colorNeutralForeground1Selected },
  snippet: { display: 'grid', gap: '12px', minWidth: 0 },
  steps: { margin: 0, paddingInlineStart: '20px', display: 'grid', gap: '6px' },
  role: { maxWidth: '320px' },
  grey: { color: tokens.colorNeutralForeground2 },
})

const schema = { snippet: text('psql'), role: text('') }

/** What a person does with a snippet, where it is not plain. */
const howTo: Record<string, string[]> = {
  pgadmin: ['Save it as servers.json', 'pgAdmin: Tools, Import/Export Servers, choose the file'],
  dbeaver: ['Database, New Connection, PostgreSQL', 'Enter these under Main and SSL'],
  'libpq-service': ['Append it to ~/.pg_service.conf', 'Then every libpq program takes service=NAME'],
}

const download = (name: string, body: string) => {
  const url = URL.createObjectURL(new Blob([body], { type: 'application/x-pem-file' }))
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  URL.revokeObjectURL(url)
}

export const Connect = () => {
  const s = useStyles()
  const { name, query: server } = useServer()
  const [search, set] = useSearchParams(schema)
  const role = useDeferredValue(search.role)
  const path = apiPath`/servers/${name}/connect`
  const query = useQuery({
    queryKey: ['servers', name, 'connect', role],
    queryFn: ({ signal }) => api.get<ConnectInfo>(path, { role: role || undefined }, signal),
    placeholderData: keepPreviousData,
  })
  const state = server.data?.state
  return (
    <Page title="Connect" crumbs={serverCrumbs(name)} tabs={serverTabs(name)} badge={state && <StateBadge state={state} of={name} />}
      lead="Every snippet verifies the server's certificate. None holds a password."
      actions={query.data ? [{ label: 'Download the CA certificate', icon: <ArrowDownloadRegular />,
        onClick: () => download('pgkeep-ca.pem', query.data.ca_pem),
        line: { title: 'The CA certificate', path: '/ca' } }] : []}
      lines={[{ title: 'Connection string', path: role ? `${path}?role=${encodeURIComponent(role)}` : path,
        cli: `pgkeep server show-connection-string -s ${shell(name)}${role ? ` --role ${shell(role)}` : ''}` }]}
      messages={[state !== undefined && state !== 'Ready' && {
        intent: 'warning', title: `${name} is ${state}.`,
        text: <>It answers when it is Ready. <Link inline to={paths.server(name)}>Overview</Link></>,
      }]}
      essentials={query.data && [
        { name: 'Host', value: <CopyValue value={query.data.host ?? 'localhost'} label="host" /> },
        { name: 'Port', value: <CopyValue value={String(query.data.port ?? server.data?.port ?? '')} label="port" /> },
        { name: 'Role', value: <CopyValue value={query.data.role ?? 'postgres'} label="role" /> },
        { name: 'TLS', value: 'verify-full' },
        { name: 'CA certificate', value: <CopyValue value={query.data.ca_file} label="path of the CA certificate" /> },
        { name: 'Password', value: query.data.password_file
          ? <CopyValue value={query.data.password_file} label="path of the password file" />
          : 'The role’s own; the program asks' },
      ]}>
      {!(query.error && !query.data) && <Field label="As which role" hint="Left empty: the administrator, whose password lies in a file that only its owner reads" className={s.role}>
        <Input value={search.role} placeholder="postgres" autoComplete="off" spellCheck={false} maxLength={63}
          onChange={(_, d) => set({ role: d.value })} />
      </Field>}
      <Guard query={query} lines={8}>
        {({ snippets }) => {
          const one = snippets.find((each) => each.id === search.snippet) ?? snippets[0]
          if (!one) return null
          return (
            <div className={s.two}>
              <nav className={s.list} aria-label="Programs and languages">
                {snippets.map((each) => (
                  <Button key={each.id} appearance="subtle" aria-current={each.id === one.id ? 'true' : undefined}
                    className={mergeClasses(s.entry, each.id === one.id && s.here)} onClick={() => set({ snippet: each.id })}>
                    {each.title}
                  </Button>
                ))}
              </nav>
              <div className={s.snippet}>
                <Section title={one.title}>
                  {howTo[one.id] && <ol className={s.steps}>{howTo[one.id]?.map((step) => <li key={step}>{step}</li>)}</ol>}
                  <CodeBlock text={one.text} label={`${one.title} snippet`} wrap={one.language === 'shell'} />
                  <Text size={200} className={s.grey}>
                    From another machine: download the CA certificate above and name its path instead of the one in the snippet.
                  </Text>
                </Section>
              </div>
            </div>
          )
        }}
      </Guard>
    </Page>
  )
}
