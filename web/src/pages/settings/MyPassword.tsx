// A person changes their own password.
import { Field, Input } from '@fluentui/react-components'
import { useState } from 'react'
import { api } from '../../api/client'
import { notify } from '../../frame/notify'
import { FormDialog } from '../../parts/Dialogs'
import { apiPath } from '../../paths'
import { NewPassword } from './NewPassword'
import { PASSWORD_MIN, passwordComplaint } from './model'

export const MyPassword = ({ name, onClose }: { name: string; onClose: () => void }) => {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const path = apiPath`/users/${name}/password`
  const good = password !== '' && password === again && Object.keys(passwordComplaint(password, again)).length === 0
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Change your password"
      submit="Change password"
      ready={good}
      run={async () => {
        await api.post(path, { password, ...(current ? { current_password: current } : {}) })
        notify('success', 'Your password was changed')
      }}
      line={{ title: 'Change the password', method: 'POST', path, body: { current_password: '…', password: '…' } }}
    >
      <Field label="Current password" hint="Empty when you have none yet.">
        <Input
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={(_, data) => setCurrent(data.value)}
        />
      </Field>
      <NewPassword
        password={password}
        again={again}
        onPassword={setPassword}
        onAgain={setAgain}
        hint={`At least ${PASSWORD_MIN} characters. Your other sessions end.`}
      />
    </FormDialog>
  )
}
