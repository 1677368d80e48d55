// One parameter: what it is, a new value, what that would do, and what it did.
import {
  Button, Field, Input, Radio, RadioGroup, Select, Text, Textarea, makeStyles, tokens,
} from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { faultOf } from '../../api/client'
import { useMay } from '../../api/queries'
import { localTime, sentences, shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { Diff } from '../../parts/Diff'
import { EditDrawer } from '../../parts/EditDrawer'
import { Essentials, Note } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { apiPath } from '../../paths'
import { type ParameterChange, changeParameter, parametersKey } from './api'
import { type Parameter, EFFECTS, allowed, complaint, display, effectOf, isModified, isSame } from './model'

const useStyles = makeStyles({
  badges: { display: 'flex', gap: '16px', flexWrap: 'wrap' },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
  part: { display: 'grid', gap: '8px' },
})

interface Props {
  server: string
  parameter: Parameter
  onClose: () => void
  onRestart: () => void
}

interface Done {
  change: ParameterChange
  from: string
  at: string
}

export const ParameterDrawer = ({ server, parameter: p, onClose, onRestart }: Props) => {
  const s = useStyles()
  const client = useQueryClient()
  const may = useMay()
  const [typed, setTyped] = useState(p.value)
  // Only what was previewed can be applied: a value, or null for the value of the files.
  const [seen, setSeen] = useState<{ value: string | null; change: ParameterChange }>()
  const [done, setDone] = useState<Done>()
  const effect = EFFECTS[effectOf(p)]
  const wrong = isSame(p, typed) ? undefined : complaint(p, typed)

  const look = useMutation({
    mutationFn: (value: string | null) => changeParameter(server, p.name, value, true),
    onSuccess: (change, value) => setSeen({ value, change }),
  })
  const apply = useMutation({
    mutationFn: (value: string | null) => changeParameter(server, p.name, value, false),
    onSuccess: (change) => {
      setDone({ change, from: p.value, at: new Date().toISOString() })
      setSeen(undefined)
      if (!change.needs_restart) setTyped(change.value)
    },
    onSettled: () => void client.invalidateQueries({ queryKey: parametersKey(server) }),
  })
  const forget = () => {
    setSeen(undefined)
    setDone(undefined)
    look.reset()
    apply.reset()
  }
  const type = (value: string) => {
    setTyped(value)
    forget()
  }
  const preview = (value: string | null) => {
    forget()
    look.mutate(value)
  }
  const busy = look.isPending || apply.isPending
  const error = look.error ?? apply.error
  const refused = error ? faultOf(error) : undefined
  const said = refused && sentences(refused.message, refused.detail, refused.hint)
  const nothingToDo = seen?.change.changed === 'unchanged'

  const fixed = p.read_only || !may('parameter_set')
  const submit = fixed
    ? undefined
    : seen
      ? { label: apply.isPending ? 'Applying…' : 'Apply', busy, refused: nothingToDo && 'Nothing would change' }
      : {
          label: look.isPending ? 'Looking…' : 'Preview the change',
          busy,
          refused: wrong ?? (isSame(p, typed) && 'Enter another value first'),
        }

  return (
    <EditDrawer
      title={p.name}
      lead={p.description}
      onClose={onClose}
      submit={submit}
      onSubmit={() => (seen ? apply.mutate(seen.value) : preview(typed.trim()))}
      buttons={
        !fixed && (
          <Button disabledFocusable={busy || !isModified(p)} onClick={() => preview(null)}>Reset…</Button>
        )
      }
      error={fixed ? error : undefined}
      lines={lines(server, p, seen ? seen.value : typed.trim())}
    >
      <div className={s.badges}>
        {isModified(p) && <Badge tone="quiet">Modified</Badge>}
        {p.pending_restart && <Badge tone="warn">Waits for a restart</Badge>}
        {p.read_only && <Badge tone="quiet">Read-only</Badge>}
      </div>
      {p.guard && <Note intent="info" title="pgkeep keeps watch over this one." text={sentences(p.guard)} />}
      {!fixed && (
        <Field
          label="Value"
          hint={`Allowed: ${allowed(p)}${p.unit ? `. A number alone counts units of ${p.unit}.` : '.'}`}
          validationState={wrong || said ? 'error' : 'none'}
          validationMessage={wrong ?? said}
        >
          {(field) => <Editor field={field} parameter={p} value={typed} onChange={type} />}
        </Field>
      )}
      {seen && <Preview parameter={p} seen={seen} />}
      {done && <Outcome done={done} unit={p.unit} onRestart={onRestart} />}
      <Essentials
        facts={[
          { name: 'In force', value: <span className={s.mono}>{display(p.value, p.unit)}</span> },
          { name: 'Built in', value: <span className={s.mono}>{display(p.default ?? '', p.unit)}</span> },
          { name: 'Comes from', value: p.source },
          { name: 'A change', value: effect.long },
          { name: 'Type', value: p.unit ? `${p.data_type}, in ${p.unit}` : p.data_type },
          { name: 'Category', value: p.category },
        ]}
      />
    </EditDrawer>
  )
}

const lines = (server: string, p: Parameter, value: string | null): CliLine[] => {
  const path = apiPath`/servers/${server}/parameters/${p.name}`
  const of = `-s ${shell(server)} -n ${shell(p.name)}`
  const all: CliLine[] = []
  if (!p.read_only && value === null)
    all.push({ title: 'Reset', cli: `pgkeep server parameter reset ${of}`, method: 'DELETE', path })
  if (!p.read_only && value !== null)
    all.push({
      title: 'Set',
      cli: `pgkeep server parameter set ${of} -v ${shell(value)}`,
      method: 'PATCH',
      path,
      body: { value },
    })
  return [...all, { title: 'Show', cli: `pgkeep server parameter show ${of}`, path }]
}

const Preview = ({ parameter: p, seen }: { parameter: Parameter; seen: { change: ParameterChange } }) => {
  const s = useStyles()
  const { change } = seen
  if (change.changed === 'unchanged')
    return <Note intent="info" title="Nothing would change." text={p.pending_restart ? 'It is stored already, and waits for a restart.' : 'The server has this value already.'} />
  return (
    <div className={s.part} role="status">
      <Diff
        label="What would change"
        lines={[
          { sign: '-', text: `${p.name} = ${display(p.value, p.unit)}` },
          { sign: '+', text: `${p.name} = ${display(change.value, p.unit)}` },
        ]}
      />
      <Note
        intent={change.needs_restart ? 'warning' : 'info'}
        title={change.needs_restart ? 'Needs a restart.' : 'Needs no restart.'}
        text={`${EFFECTS[effectOf(p)].long} Nothing has been changed yet.`}
      />
    </div>
  )
}

const Outcome = ({ done, unit, onRestart }: { done: Done; unit?: string | null; onRestart: () => void }) => {
  const { change, from, at } = done
  const waits = change.needs_restart
  return (
    <div role="status">
      <Note
        intent={waits ? 'warning' : 'success'}
        title={waits ? 'Stored; waits for a restart.' : 'In force.'}
        text={
          waits
            ? `Until then the server goes on with ${display(from, unit)}.`
            : `${display(from, unit)} became ${display(change.value, unit)}; the server was asked again and said so (pg_settings, ${localTime(at)}).`
        }
        actions={waits && <Button size="small" onClick={onRestart}>Restart…</Button>}
      />
    </div>
  )
}

interface EditorProps {
  field: object
  parameter: Parameter
  value: string
  onChange: (value: string) => void
}

/** The right control for the type of the value. */
const Editor = ({ field, parameter: p, value, onChange }: EditorProps) => {
  const s = useStyles()
  if (p.data_type === 'bool')
    return (
      <RadioGroup {...field} layout="horizontal" value={value} onChange={(_, data) => onChange(data.value)}>
        <Radio value="on" label="on" />
        <Radio value="off" label="off" />
      </RadioGroup>
    )
  if (p.allowed_values.length > 0)
    return (
      <Select {...field} value={value} onChange={(_, data) => onChange(data.value)}>
        {!p.allowed_values.includes(value) && <option value={value}>{value}</option>}
        {p.allowed_values.map((word) => <option key={word} value={word}>{word}</option>)}
      </Select>
    )
  if (p.data_type === 'string')
    return (
      <Textarea {...field} value={value} resize="vertical" spellCheck={false}
        textarea={{ className: s.mono }} onChange={(_, data) => onChange(data.value)} />
    )
  return (
    <Input {...field} value={value} spellCheck={false} autoComplete="off" input={{ className: s.mono }}
      {...(p.unit ? { contentAfter: <Text size={200}>{p.unit}</Text> } : {})}
      onChange={(_, data) => onChange(data.value)} />
  )
}
