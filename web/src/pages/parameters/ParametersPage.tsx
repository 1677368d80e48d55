// Parameters of one server: find, understand, change, prove.
import { Button, Link as FluentLink, Tab, TabList, Text, makeStyles, tokens } from '@fluentui/react-components'
import { ArrowClockwiseRegular, PowerRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { api } from '../../api/client'
import { count, shell } from '../../format'
import { useRun } from '../../frame/jobs'
import { type Column, DataTable } from '../../parts/DataTable'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { oneOf, text, useSearchParams } from '../../search'
import { serverCrumbs, serverTabs } from '../../parts/tabs'
import { ParameterDrawer } from './ParameterDrawer'
import { parametersQuery } from './api'
import {
  type Parameter, EFFECTS, TABS, TAB_HELP, TAB_TITLES, allowed, display, effectOf, isIn, isModified,
} from './model'

const useStyles = makeStyles({
  name: { display: 'grid', gap: '1px', justifyItems: 'start', minWidth: '220px' },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
  quiet: { color: tokens.colorNeutralForeground2, display: 'block' },
  read: { color: tokens.colorNeutralForeground2 },
  cut: { display: '-webkit-box', overflow: 'hidden', WebkitLineClamp: '2', WebkitBoxOrient: 'vertical', maxWidth: '26ch' },
})

const schema = { tab: oneOf(TABS, 'all'), p: text() }

export const ParametersPage = ({ name: server }: { name: string }) => {
  const s = useStyles()
  const query = useQuery(parametersQuery(server))
  const [search, setSearch] = useSearchParams(schema)
  const [restarting, setRestarting] = useState(false)
  const run = useRun()
  const waiting = query.data?.filter((p) => p.pending_restart) ?? []
  const open = query.data?.find((p) => p.name === search.p)
  const restart = () =>
    run(() => api.post(apiPath`/servers/${server}/restart`), {
      title: `Restart ${server}`,
      link: paths.server(server),
      changes: [['servers', server], ['servers']],
    })
  const columns = useMemo(() => tableColumns(s, (p) => setSearch({ p })), [s, setSearch])

  return (
    <Page
      title="Parameters"
      crumbs={serverCrumbs(server)}
      tabs={serverTabs(server)}
      lead="What PostgreSQL is told to do. Every change is previewed, applied, and read back from the server."
      actions={[
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
        {
          label: 'Restart server…',
          needs: 'server_restart',
          icon: <PowerRegular />,
          onClick: () => setRestarting(true),
          line: restartLine(server),
        },
      ]}
      lines={[
        {
          title: 'List all parameters',
          cli: `pgkeep server parameter list -s ${shell(server)} -o json`,
          path: apiPath`/servers/${server}/parameters`,
        },
      ]}
      messages={[
        waiting.length > 0 && {
          intent: 'warning',
          title: `${count(waiting.length, 'parameter')} ${waiting.length === 1 ? 'waits' : 'wait'} for a restart.`,
          text: waiting.map((p) => p.name).join(', '),
          actions: <Button size="small" onClick={() => setRestarting(true)}>Restart server…</Button>,
        },
      ]}
    >
      <Guard query={query} lines={12} what="Parameters">
        {(all) => {
          const rows = all.filter((p) => isIn(search.tab, p))
          return (
            <>
              <TabList
                selectedValue={search.tab}
                onTabSelect={(_, data) => setSearch({ tab: data.value as (typeof TABS)[number] })}
                aria-label="Which parameters"
              >
                {TABS.map((tab) => (
                  <Tab key={tab} value={tab}>
                    {TAB_TITLES[tab]} ({all.filter((p) => isIn(tab, p)).length})
                  </Tab>
                ))}
              </TabList>
              <Text size={200} className={s.read}>
                {TAB_HELP[search.tab]} Read from pg_settings <Time at={readAt(query.dataUpdatedAt)} age />.
              </Text>
              <DataTable
                name={`parameters-${server}`}
                noun="parameter"
                rows={rows}
                columns={columns}
                rowId={(p) => p.name}
                sort="name"
                empty={
                  <Empty
                    title={`No parameter here: ${TAB_TITLES[search.tab]}`}
                    text={TAB_HELP[search.tab]}
                    cli={`pgkeep server parameter set -s ${shell(server)} -n work_mem -v 16MB`}
                  />
                }
              />
            </>
          )
        }}
      </Guard>
      {open && (
        <ParameterDrawer
          key={open.name}
          server={server}
          parameter={open}
          onClose={() => setSearch({ p: '' })}
          onRestart={() => setRestarting(true)}
        />
      )}
      <DangerDialog
        open={restarting}
        onClose={() => setRestarting(false)}
        title={`Restart ${server}?`}
        preview={
          <>
            <Text>
              All sessions end, open transactions are rolled back, and clients have to connect again. It usually
              takes a few seconds.
            </Text>
            {waiting.length > 0 && (
              <Text>Takes effect with it: {waiting.map((p) => p.name).join(', ')}.</Text>
            )}
          </>
        }
        submit="Restart"
        run={async () => void restart()}
        line={restartLine(server)}
      />
    </Page>
  )
}

const readAt = (ms: number) => new Date(ms).toISOString()

const restartLine = (server: string) =>
  ({
    title: 'Restart the server',
    cli: `pgkeep server restart -n ${shell(server)}`,
    method: 'POST',
    path: apiPath`/servers/${server}/restart`,
  }) as const

const tableColumns = (s: ReturnType<typeof useStyles>, open: (name: string) => void): Column<Parameter>[] => [
  {
    id: 'name',
    title: 'Parameter',
    value: (p) => p.name,
    cell: (p) => (
      <span className={s.name}>
        <FluentLink as="button" className={s.mono} onClick={() => open(p.name)}>{p.name}</FluentLink>
        <Text size={200} className={s.quiet}>{p.description}</Text>
      </span>
    ),
  },
  {
    id: 'value',
    title: 'Value',
    value: (p) => display(p.value, p.unit),
    cell: (p) => (
      <>
        <span className={s.mono}>{display(p.value, p.unit)}</span>
        {p.pending_restart && <Badge tone="warn">Waits for a restart</Badge>}
      </>
    ),
  },
  { id: 'default', title: 'Built in', hidden: true, value: (p) => display(p.default ?? '', p.unit), mono: true },
  {
    id: 'allowed',
    title: 'Allowed',
    value: allowed,
    cell: (p) => <Text size={200} className={s.cut} title={allowed(p)}>{p.read_only ? '–' : allowed(p)}</Text>,
  },
  { id: 'effect', title: 'Takes effect', value: (p) => EFFECTS[effectOf(p)].short },
  { id: 'source', title: 'Comes from', value: (p) => (isModified(p) ? p.source : 'default') },
  { id: 'category', title: 'Category', hidden: true, value: (p) => p.category },
  { id: 'description', title: 'Description', hidden: true, value: (p) => p.description },
]
