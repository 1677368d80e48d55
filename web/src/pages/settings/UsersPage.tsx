// Local accounts: who may sign in, and with which roles.
import { Button, Link as FluentLink, Text } from '@fluentui/react-components'
import { ArrowClockwiseRegular, PersonAddRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { DataTable } from '../../parts/DataTable'
import { Empty, Guard } from '../../parts/Guard'
import { Page } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'
import { flag, text, useSearchParams } from '../../search'
import { CreateUser } from './CreateUser'
import { UserDrawer } from './UserDrawer'
import { usersQuery } from './api'
import { type User, assignmentWords } from './model'

const schema = { create: flag, user: text() }

export const UsersPage = () => {
  const query = useQuery(usersQuery)
  const [search, setSearch] = useSearchParams(schema)
  const open = query.data?.find((user) => user.name === search.user)
  const create = () => setSearch({ create: true })
  return (
    <Page
      title="Users"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lead="People who sign in here. What they may do is said by their roles, each on everything or on one server or key vault."
      actions={[
        { label: 'Create user…', needs: 'user_create', icon: <PersonAddRegular />, onClick: create, primary: true },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void query.refetch() },
      ]}
      lines={[
        { title: 'List users', cli: 'pgkeep user list', path: '/users' },
        { title: 'A one-time link to sign in', cli: 'pgkeep portal login-link', method: 'POST', path: '/login-links' },
      ]}
    >
      <Guard query={query} what="Users">
        {(rows) => (
          <DataTable
            name="users"
            noun="user"
            rows={rows}
            rowId={(row) => row.name}
            sort="name"
            empty={
              <Empty
                title="No user yet"
                text="Until somebody has an account, only a one-time link made on this machine signs in."
                cli="pgkeep portal login-link"
                actions={<Button appearance="primary" onClick={create}>Create user…</Button>}
              />
            }
            columns={[
              {
                id: 'name',
                title: 'Name',
                value: (row) => row.name,
                cell: (row) => (
                  <FluentLink as="button" onClick={() => setSearch({ user: row.name })}>{row.name}</FluentLink>
                ),
              },
              { id: 'state', title: 'State', value: (row) => userState(row)[1], cell: (row) => <UserState user={row} /> },
              {
                id: 'roles',
                title: 'Roles',
                value: (row) => row.assignments.map(assignmentWords).join(', '),
                cell: (row) =>
                  row.assignments.length > 0 ? row.assignments.map(assignmentWords).join(', ') : <Text>none: sees nothing</Text>,
              },
              {
                id: 'signed',
                title: 'Signed in last',
                value: (row) => row.signed_in_at,
                cell: (row) => (row.signed_in_at ? <Time at={row.signed_in_at} age /> : 'never'),
              },
              {
                id: 'password',
                title: 'Password set',
                value: (row) => row.password_set_at,
                cell: (row) => (row.password_set_at ? <Time at={row.password_set_at} age /> : 'none: one-time links only'),
              },
              { id: 'created', title: 'Created', value: (row) => row.created_at, cell: (row) => <Time at={row.created_at} />, hidden: true },
            ]}
          />
        )}
      </Guard>
      {search.create && <CreateUser onClose={() => setSearch({ create: false })} />}
      {open && <UserDrawer key={open.name} user={open} onClose={() => setSearch({ user: '' })} />}
    </Page>
  )
}

const userState = (user: User): ['good' | 'bad', string] => (user.enabled ? ['good', 'Enabled'] : ['bad', 'Disabled'])

export const UserState = ({ user }: { user: User }) => {
  const [tone, words] = userState(user)
  return <Badge tone={tone}>{words}</Badge>
}
