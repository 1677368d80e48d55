// A new account.
import { Field, Input } from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, faultOf } from '../../api/client'
import type { Assignment } from '../../api/types'
import { sentences } from '../../format'
import { notify } from '../../frame/notify'
import { EditDrawer } from '../../parts/EditDrawer'
import { NewPassword } from './NewPassword'
import { RolesEditor } from './RolesEditor'
import { PASSWORD_MIN, assignmentsComplaint, passwordComplaint, roleFlags, userNameComplaint } from './model'

export const CreateUser = ({ onClose }: { onClose: () => void }) => {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [assignments, setAssignments] = useState<Assignment[]>([{ role: 'reader', scope: '/' }])
  const wrongName = name === '' ? undefined : userNameComplaint(name)
  const wrong = passwordComplaint(password, again)
  const create = useMutation({
    mutationFn: () => api.post('/users', { name, assignments, ...(password ? { password } : {}) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['users'] })
      notify('success', `User ${name} was created`)
      onClose()
    },
  })
  const refused =
    name === ''
      ? 'Enter a name first'
      : (wrongName ?? wrong.password ?? wrong.again ?? assignmentsComplaint(assignments) ?? (password !== again && 'Enter the password twice'))
  const fault = create.error ? faultOf(create.error) : undefined
  const words = fault && sentences(fault.message, fault.detail, fault.hint)
  const ofPassword = fault?.code === 'weak_password'
  const ofName = fault?.code.includes('conflict')
  const said = wrongName ?? (ofName ? words : undefined)
  return (
    <EditDrawer
      title="Create a user"
      onClose={onClose}
      submit={{ label: create.isPending ? 'Creating…' : 'Create', busy: create.isPending, refused }}
      onSubmit={() => create.mutate()}
      error={ofName || ofPassword ? undefined : create.error}
      lines={[
        {
          title: 'Create the user',
          cli: `pgkeep user create -n ${name || 'NAME'} ${roleFlags(assignments)}${password ? '' : ' --no-password'}`,
          method: 'POST',
          path: '/users',
          body: { name, assignments, ...(password ? { password: '…' } : {}) },
        },
      ]}
    >
      <Field
        label="Name"
        required
        hint="What the person types to sign in."
        {...(said ? { validationState: 'error', validationMessage: said } : {})}
      >
        <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
      </Field>
      <NewPassword
        password={password}
        again={again}
        said={ofPassword ? words : undefined}
        onPassword={(text) => {
          setPassword(text)
          create.reset()
        }}
        onAgain={setAgain}
        hint={`At least ${PASSWORD_MIN} characters. Empty: the person signs in by one-time links only.`}
      />
      <RolesEditor assignments={assignments} onChange={setAssignments} none="Without a role the person may sign in and see nothing." />
    </EditDrawer>
  )
}
