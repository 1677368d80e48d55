// A password, typed twice.
import { Field, Input } from '@fluentui/react-components'
import { passwordComplaint } from './model'

interface Props {
  password: string
  again: string
  onPassword: (text: string) => void
  onAgain: (text: string) => void
  hint: string
  /** What the API said of the password. */
  said?: string | undefined
}

export const NewPassword = ({ password, again, onPassword, onAgain, hint, said: refused }: Props) => {
  const wrong = passwordComplaint(password, again)
  const said = (text: string | undefined) =>
    text ? ({ validationState: 'error', validationMessage: text } as const) : {}
  return (
    <>
      <Field label="Password" hint={hint} {...said(wrong.password ?? refused)}>
        <Input type="password" autoComplete="new-password" value={password} onChange={(_, data) => onPassword(data.value)} />
      </Field>
      <Field label="Password again" {...said(wrong.again)}>
        <Input type="password" autoComplete="new-password" value={again} onChange={(_, data) => onAgain(data.value)} />
      </Field>
    </>
  )
}
