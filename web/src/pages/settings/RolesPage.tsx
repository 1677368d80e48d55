// What each role may do: in words, and as a matrix of operations and roles.
import { Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { CheckmarkFilled } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { type Column, DataTable } from '../../parts/DataTable'
import { Guard } from '../../parts/Guard'
import { Essentials, Page, Section } from '../../parts/Page'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { rolesQuery } from './api'
import { type Role, matrix, operationWords } from './model'

const useStyles = makeStyles({
  yes: { color: tokens.colorStatusSuccessForeground1, display: 'inline-flex', alignItems: 'center', gap: '4px' },
  no: { color: tokens.colorNeutralForeground3 },
  small: { fontSize: tokens.fontSizeBase200 },
})

export const SettingsRolesPage = () => {
  const query = useQuery(rolesQuery)
  return (
    <Page
      title="Roles"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lead="What no role allows is refused. A role is held on everything, or on one server or key vault; then it says nothing about the others."
      lines={[{ title: 'List roles', path: '/roles' }]}
    >
      <Guard query={query} what="Roles">
        {(roles) => (
          <>
            <Section title="In words">
              <Essentials facts={roles.map(({ name, description }) => ({ name, value: description }))} />
            </Section>
            <Matrix roles={roles} />
          </>
        )}
      </Guard>
    </Page>
  )
}

type Row = ReturnType<typeof matrix>[number]

const Matrix = ({ roles }: { roles: Role[] }) => {
  const s = useStyles()
  const columns: Column<Row>[] = [
    { id: 'subject', title: 'About', value: (row) => row.subject },
    { id: 'operation', title: 'Operation', value: (row) => operationWords(row.id) },
    ...roles.map(({ name }) => ({
      id: name,
      title: name,
      value: (row: Row) => (row.allowed.has(name) ? 'yes' : 'no'),
      cell: (row: Row) =>
        row.allowed.has(name) ? (
          <span className={mergeClasses(s.yes, s.small)}><CheckmarkFilled aria-hidden />yes</span>
        ) : (
          <span className={mergeClasses(s.no, s.small)}>no</span>
        ),
    })),
  ]
  const rows = matrix(roles)
  return (
    <Section title="Operation by operation">
      <Text size={200}>From the policies that decide; operation names are those of the API and of the activity log.</Text>
      <DataTable name="roles" noun="operation" rows={rows} rowId={(row) => row.id} columns={columns} />
    </Section>
  )
}
