// One account: roles, password, whether it may sign in, its end.
import { Button, Text } from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { useSession } from '../../api/queries'
import { notify } from '../../frame/notify'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog, FormDialog } from '../../parts/Dialogs'
import { EditDrawer } from '../../parts/EditDrawer'
import { Essentials, Note } from '../../parts/Page'
import { Time } from '../../parts/Time'
import { apiPath } from '../../paths'
import { NewPassword } from './NewPassword'
import { RolesEditor } from './RolesEditor'
import { UserState } from './UsersPage'
import { type User, PASSWORD_MIN, assignmentsComplaint, passwordComplaint, roleFlags, sameAssignments } from './model'

export const UserDrawer = ({ user, onClose }: { user: User; onClose: () => void }) => {
  const client = useQueryClient()
  const session = useSession()
  const [assignments, setAssignments] = useState(user.assignments)
  const [asking, setAsking] = useState<'password' | 'enable' | 'delete'>()
  const path = apiPath`/users/${user.name}`
  const refresh = () => client.invalidateQueries({ queryKey: ['users'] })
  const save = useMutation({
    mutationFn: () => api.put(`${path}/roles`, { assignments }),
    onSuccess: async () => {
      await refresh()
      notify('success', `Roles of ${user.name} were saved`)
      onClose()
    },
  })
  const myself = session.data?.kind === 'user' && session.data.name === user.name
  const verb = user.enabled ? 'Disable' : 'Enable'
  const close = () => setAsking(undefined)
  const enableLine: CliLine = {
    title: `${verb} the user`,
    cli: `pgkeep user ${verb.toLowerCase()} -n ${user.name}`,
    method: 'PATCH',
    path,
    body: { enabled: !user.enabled },
  }
  const deleteLine: CliLine = { title: 'Delete the user', cli: `pgkeep user delete -n ${user.name}`, method: 'DELETE', path }
  return (
    <>
      <EditDrawer
        title={user.name}
        onClose={onClose}
        submit={{
          label: save.isPending ? 'Saving…' : 'Save roles',
          busy: save.isPending,
          refused: assignmentsComplaint(assignments) ?? (sameAssignments(assignments, user.assignments) && 'Nothing has changed'),
        }}
        onSubmit={() => save.mutate()}
        buttons={
          <>
            <Button onClick={() => setAsking('password')}>Set password…</Button>
            <Button onClick={() => setAsking('enable')}>{verb}…</Button>
            <Button onClick={() => setAsking('delete')}>Delete…</Button>
          </>
        }
        error={save.error}
        lines={[
          { title: 'Save roles', cli: `pgkeep user set-roles -n ${user.name} ${roleFlags(assignments)}`, method: 'PUT', path: `${path}/roles`, body: { assignments } },
          enableLine,
          deleteLine,
        ]}
      >
        <UserState user={user} />
        {myself && <Note intent="info" title="This is you." text="Take care not to lock yourself out." />}
        <RolesEditor assignments={assignments} onChange={setAssignments} none="Without a role: may sign in and sees nothing." />
        <Essentials
          facts={[
            { name: 'Signed in last', value: user.signed_in_at ? <Time at={user.signed_in_at} /> : 'never' },
            { name: 'Password set', value: user.password_set_at ? <Time at={user.password_set_at} /> : 'none: one-time links only' },
            { name: 'Created', value: <Time at={user.created_at} /> },
          ]}
        />
      </EditDrawer>
      {asking === 'password' && <SetPassword user={user} onClose={close} refresh={refresh} />}
      <DangerDialog
        open={asking === 'enable'}
        onClose={close}
        title={`${verb} ${user.name}?`}
        preview={
          <Text>
            {user.enabled
              ? 'All sessions end, signing in is refused and the tokens made by this account stop working. Nothing is deleted.'
              : 'The person may sign in again, and the tokens made by this account work again.'}
          </Text>
        }
        submit={verb}
        run={async () => {
          await api.patch(path, { enabled: !user.enabled })
          await refresh()
        }}
        line={enableLine}
      />
      <DangerDialog
        open={asking === 'delete'}
        onClose={close}
        title={`Delete ${user.name}?`}
        preview={<Text>The account, its sessions and its tokens are gone at once. What it did stays in the activity.</Text>}
        name={user.name}
        submit="Delete"
        run={async () => {
          await api.delete(path)
          await refresh()
          onClose()
        }}
        line={deleteLine}
      />
    </>
  )
}

const SetPassword = ({ user, onClose, refresh }: { user: User; onClose: () => void; refresh: () => Promise<void> }) => {
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const path = apiPath`/users/${user.name}/password`
  const wrong = passwordComplaint(password, again)
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`A new password for ${user.name}`}
      submit="Set password"
      ready={password !== '' && password === again && Object.keys(wrong).length === 0}
      run={async () => {
        await api.post(path, { password })
        await refresh()
        notify('success', `The password of ${user.name} was set`)
      }}
      line={{ title: 'Set the password', cli: `pgkeep user set-password -n ${user.name}`, method: 'POST', path, body: { password: '…' } }}
    >
      <NewPassword
        password={password}
        again={again}
        onPassword={setPassword}
        onAgain={setAgain}
        hint={`At least ${PASSWORD_MIN} characters. Open sessions of the account end.`}
      />
    </FormDialog>
  )
}
