// Who may become whom: paths to superuser and to the operating system, drawn and as tables.
import { Link as FluentLink, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular, ArrowDownloadRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import type { RoleEdge, RoleGraph as Graph, RolePath } from '../../api/types'
import { shell } from '../../format'
import { CodeBlock } from '../../parts/Copy'
import { type Column, DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Page, Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { postureCrumbs, postureTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { text, useSearchParams } from '../../search'
import { useServer } from '../servers/useServer'
import { RoleGraph } from './RoleGraph'
import { roleGraphQuery } from './api'

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground2 },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
})

const schema = { role: text() }

export const Roles = () => {
  const { name } = useServer()
  const query = useQuery(roleGraphQuery(name))
  return (
    <Page
      title="Roles"
      crumbs={postureCrumbs(name)}
      tabs={postureTabs(name)}
      lead="Which roles reach superuser, or the account that PostgreSQL runs as, step by step; and which statement takes a way off."
      actions={[
        { label: 'Save as JSON', icon: <ArrowDownloadRegular />, refused: !query.data && 'Nothing was read yet', onClick: () => query.data && save(name, query.data) },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[{ title: 'Read the graph', path: apiPath`/servers/${name}/baseline/role-graph` }]}
      messages={[
        (query.data?.gaps.length ?? 0) > 0 && {
          intent: 'warning', title: 'Part of it could not be read, so ways may be missing.', text: query.data?.gaps.join('; '),
        },
      ]}
    >
      <Guard query={query} what="The graph of roles">{(graph) => <Ways name={name} graph={graph} />}</Guard>
    </Page>
  )
}

const Ways = ({ name, graph }: { name: string; graph: Graph }) => {
  const s = useStyles()
  const [search, setSearch] = useSearchParams(schema)
  const chosen = graph.paths.filter((path) => path.role === search.role)
  return (
    <>
      <Text size={200} className={s.quiet}>Read <Time at={graph.read_at} age /> from the catalogues of every database.</Text>
      <Section title="Ways up">
        {graph.paths.length === 0 ? (
          <Empty title="No role reaches superuser" text="No role that can sign in and is no superuser comes to be one, or to the account of the operating system, as far as the catalogues tell." cli={`pgkeep baseline assess -s ${shell(name)} --id ROLE-02`} />
        ) : (
          <>
            <RoleGraph paths={graph.paths} chosen={search.role} />
            {chosen.map((path) => (
              <div key={path.target}>
                <Text block>{path.path}</Text>
                <CodeBlock wrap text={path.cut} label={`what takes ${path.role} off ${path.target}`} />
              </div>
            ))}
            <DataTable name={`paths-${name}`} noun="path" rows={graph.paths} rowId={(path) => `${path.role} ${path.target}`} sort="length"
              columns={pathColumns(s, (role) => setSearch({ role }))} />
          </>
        )}
      </Section>
      <Section title="All steps">
        <DataTable name={`steps-${name}`} noun="step" urlKey="e" rows={graph.edges}
          rowId={(edge) => `${edge.kind} ${edge.source} ${edge.target} ${edge.why}`} sort="source" columns={EDGES}
          empty={<Empty title="No steps" text="No role may become another." />} />
      </Section>
    </>
  )
}

const save = (name: string, graph: Graph) => {
  const url = URL.createObjectURL(new Blob([JSON.stringify(graph, null, 2)], { type: 'application/json' }))
  const a = document.createElement('a')
  a.href = url
  a.download = `roles-${name}.json`
  a.click()
  URL.revokeObjectURL(url)
}

const sure = (strong: boolean) => <Badge tone={strong ? 'bad' : 'warn'}>{strong ? 'By itself' : 'With luck'}</Badge>

const pathColumns = (s: ReturnType<typeof useStyles>, choose: (role: string) => void): Column<RolePath>[] => [
  { id: 'role', title: 'Role', value: (path) => path.role, cell: (path) => <FluentLink as="button" onClick={() => choose(path.role)}>{path.role}</FluentLink> },
  { id: 'target', title: 'Reaches', value: (path) => path.target },
  { id: 'length', title: 'Steps', align: 'end', value: (path) => path.length },
  { id: 'strong', title: 'How surely', value: (path) => path.strong, cell: (path) => sure(path.strong) },
  { id: 'path', title: 'Way', value: (path) => path.path },
  { id: 'cut', title: 'What takes it off', value: (path) => path.cut, cell: (path) => <span className={s.mono}>{path.cut}</span> },
]

const EDGES: Column<RoleEdge>[] = [
  { id: 'source', title: 'From', value: (edge) => edge.source },
  { id: 'target', title: 'To', value: (edge) => edge.target },
  { id: 'kind', title: 'Kind', value: (edge) => edge.kind },
  { id: 'why', title: 'Why', value: (edge) => edge.why },
  { id: 'strong', title: 'How surely', value: (edge) => edge.strong, cell: (edge) => sure(edge.strong) },
  { id: 'how', title: 'Statement', hidden: true, mono: true, value: (edge) => edge.how },
  { id: 'cut', title: 'What takes it off', hidden: true, mono: true, value: (edge) => edge.cut },
]
