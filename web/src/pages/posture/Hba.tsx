// What pg_hba.conf would say to a connection that nobody makes.
import { Checkbox, Field, Input, Text, makeStyles } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import type { HbaAnswer } from '../../api/types'
import { sentences } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { Empty, Guard } from '../../parts/Guard'
import { Essentials, Page, Section } from '../../parts/Page'
import { Badge, type Tone } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { flag, text, useSearchParams } from '../../search'
import { Link } from '../../parts/Link'
import { useServer } from '../servers/useServer'
import { hbaQuery } from './api'

const useStyles = makeStyles({
  form: { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(220px, 1fr))', gap: '16px', alignItems: 'end', maxWidth: '1000px' },
})

const schema = { role: text(), database: text('postgres'), address: text(), tls: flag }

export const Hba = () => {
  const { name } = useServer()
  const s = useStyles()
  const [search, setSearch] = useSearchParams(schema)
  const asked = useDeferredValue(search)
  const query = useQuery(hbaQuery(name, asked))
  const line = new URLSearchParams({ role: search.role, database: search.database, ...(search.address ? { address: search.address } : {}), tls: String(search.tls) })
  return (
    <Page
      title="Connections"
      crumbs={postureCrumbs(name)}
      tabs={postureTabs(name)}
      lead="Which line of pg_hba.conf decides about a connection, by first match, as the newest evidence has it. Nobody connects."
      lines={[{ title: 'Ask what would happen', path: `${apiPath`/servers/${name}/baseline/hba`}?${line}` }]}
    >
      <Section title="The connection">
        <div className={s.form}>
          <Field label="Role" required>
            <Input value={search.role} autoComplete="off" spellCheck={false} maxLength={63} onChange={(_, data) => setSearch({ role: data.value })} />
          </Field>
          <Field label="Database" hint="Nothing: physical replication">
            <Input value={search.database} autoComplete="off" spellCheck={false} maxLength={63} onChange={(_, data) => setSearch({ database: data.value })} />
          </Field>
          <Field label="From the address" hint="Nothing: the local socket">
            <Input value={search.address} autoComplete="off" spellCheck={false} placeholder="192.0.2.7" maxLength={60} onChange={(_, data) => setSearch({ address: data.value })} />
          </Field>
          <Checkbox label="Encrypted with TLS" checked={search.tls} onChange={(_, data) => setSearch({ tls: data.checked === true })} />
        </div>
      </Section>
      <Section title="What would happen">
        {search.role === '' ? (
          <Empty title="As which role?" text="Write a role above; it need not exist." actions={<Link to={paths.postureHba(name, { role: 'postgres' })}>As postgres</Link>} />
        ) : (
          <Guard query={query} lines={3} what="The answer">{(answer) => <Said answer={answer} />}</Guard>
        )}
      </Section>
    </Page>
  )
}

const WORDS: Record<string, [Tone, string]> = {
  allow: ['good', 'Let in'], reject: ['bad', 'Refused'], 'no-entry': ['bad', 'Refused'], unsure: ['warn', 'Cannot tell'],
}

const Said = ({ answer }: { answer: HbaAnswer }) => {
  const [tone, word] = answer.method === 'trust' && answer.outcome === 'allow' ? ['warn', 'Let in without proof'] as [Tone, string] : WORDS[answer.outcome] ?? ['quiet', answer.outcome]
  return (
    <>
      <Text role="status"><Badge tone={tone}>{word}</Badge> {sentences(answer.reason)}</Text>
      <Essentials
        facts={[
          { name: 'Line', value: answer.line === null ? 'none' : `${answer.line}${answer.file ? ` of ${answer.file}` : ''}` },
          { name: 'Method', value: answer.method ?? '–' },
          { name: 'Read', value: <Time at={answer.read_at} age /> },
        ]}
      />
      {answer.text && <CodeBlock wrap text={answer.text} label="the line" />}
    </>
  )
}
