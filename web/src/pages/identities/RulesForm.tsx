// Which processes of this machine are an identity.
import { Field, Input, Radio, RadioGroup } from '@fluentui/react-components'
import { type Rules, rulesComplaints } from './model'

export const RulesForm = ({ rules, onChange }: { rules: Rules; onChange: (rules: Rules) => void }) => {
  const wrong = rulesComplaints(rules)
  const said = (text: string | undefined) =>
    text ? ({ validationState: 'error', validationMessage: text } as const) : {}
  return (
    <>
      <Field label="Who it is" hint="A process proves it by the socket it comes through; no password is involved.">
        <RadioGroup value={rules.kind} onChange={(_, data) => onChange({ ...rules, kind: data.value as Rules['kind'] })}>
          <Radio value="servers" label="The servers of this installation, for their data keys" />
          <Radio value="processes" label="Processes of an OS user or systemd unit" />
          <Radio value="none" label="No process: only whoever knows its secret" />
        </RadioGroup>
      </Field>
      {rules.kind === 'processes' && (
        <>
          <Field label="OS users" hint="By number, separated by commas: id -u NAME shows it." {...said(wrong.uids)}>
            <Input value={rules.uids} autoComplete="off" onChange={(_, data) => onChange({ ...rules, uids: data.value })} />
          </Field>
          <Field label="systemd units" hint="When both are named, both must fit." {...said(wrong.units)}>
            <Input
              value={rules.units}
              placeholder="shop.service"
              autoComplete="off"
              spellCheck={false}
              onChange={(_, data) => onChange({ ...rules, units: data.value })}
            />
          </Field>
        </>
      )}
    </>
  )
}
