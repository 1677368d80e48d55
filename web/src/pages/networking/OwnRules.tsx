// The operator's own rules: added, changed, moved and removed here; nothing is sent before a preview.
import { Button, Field, Input, Select, Text, Tooltip, makeStyles, tokens } from '@fluentui/react-components'
import { AddRegular, ArrowDownRegular, ArrowUpRegular, DeleteRegular, PersonAddRegular } from '@fluentui/react-icons'
import { Empty } from '../../parts/Guard'
import { Section } from '../../parts/Page'
import {
  METHODS, RULE_TYPES, type Rule, type RuleType, complaints, isEverybody, moved, newRule, ruleSentence, typeTitle,
} from './model'

const useStyles = makeStyles({
  list: { display: 'grid', gap: '10px', margin: 0, padding: 0, listStyleType: 'none' },
  rule: {
    display: 'grid', gap: '6px', padding: '12px 16px', border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1,
  },
  fields: {
    display: 'grid', gap: '8px 12px', alignItems: 'start',
    gridTemplateColumns: '1.5fr 1fr 1fr 1.5fr 1.3fr auto',
    '@media (max-width: 1000px)': { gridTemplateColumns: '1fr 1fr' },
  },
  buttons: { display: 'flex', paddingTop: '22px' },
  quiet: { color: tokens.colorNeutralForeground2 },
  mono: { fontFamily: tokens.fontFamilyMonospace },
  bar: { display: 'flex', gap: '8px', flexWrap: 'wrap' },
})

/** The portal is served on loopback only: whoever sees it comes from there. */
const MY_ADDRESS = '127.0.0.1/32'

interface Props {
  rules: Rule[]
  stored: Rule[]
  onChange: (rules: Rule[]) => void
}

export const OwnRules = ({ rules, stored, onChange }: Props) => {
  const s = useStyles()
  const wrong = complaints(rules)
  const set = (index: number, part: Partial<Rule>) =>
    onChange(rules.map((rule, at) => (at === index ? { ...rule, ...part } : rule)))
  const add = (address: string) => onChange([...rules, newRule(address)])
  const buttons = (
    <span className={s.bar}>
      <Tooltip
        relationship="description"
        content="This portal answers on loopback only, so this browser sits on this machine: 127.0.0.1."
      >
        <Button size="small" icon={<PersonAddRegular />} onClick={() => add(MY_ADDRESS)}>Add my address</Button>
      </Tooltip>
      <Button size="small" icon={<AddRegular />} onClick={() => add('')}>Add a rule</Button>
    </span>
  )
  return (
    <Section title="Your rules" aside={buttons}>
      <Text size={200} className={s.quiet}>
        Without any, everybody with a password may come from everywhere. With the first one only what these rules
        allow is allowed; the first that fits decides. The unix socket on this machine stays open to the administrator.
      </Text>
      {rules.length === 0 ? (
        <Empty
          title={stored.length > 0 ? 'All your rules would be removed' : 'No rules of your own yet'}
          text="Everybody with a password may come from everywhere the server listens. Add a rule, and only what your rules allow is allowed: an office network, an application's address, a role with a client certificate."
        />
      ) : (
        <ol className={s.list}>
          {rules.map((rule, index) => (
            <OneRule
              // Rules have no name; their place is what they are known by.
              key={index}
              rule={rule}
              place={index}
              of={rules.length}
              wrong={wrong}
              onSet={(part) => set(index, part)}
              onMove={(by) => onChange(moved(rules, index, by))}
              onRemove={() => onChange(rules.filter((_, at) => at !== index))}
            />
          ))}
        </ol>
      )}
    </Section>
  )
}

interface OneProps {
  rule: Rule
  place: number
  of: number
  wrong: Map<string, string>
  onSet: (part: Partial<Rule>) => void
  onMove: (by: -1 | 1) => void
  onRemove: () => void
}

const OneRule = ({ rule, place, of, wrong, onSet, onMove, onRemove }: OneProps) => {
  const s = useStyles()
  const n = place + 1
  const said = (field: string) => {
    const text = wrong.get(`${place}.${field}`)
    return text ? ({ validationState: 'error', validationMessage: text } as const) : {}
  }
  const types = RULE_TYPES.some(({ id }) => id === rule.type)
    ? RULE_TYPES
    : [{ id: rule.type, title: typeTitle(rule.type) }, ...RULE_TYPES]
  const methods = METHODS.some(({ id }) => id === rule.method)
    ? METHODS
    : [{ id: rule.method, title: rule.method }, ...METHODS]
  const everybody = isEverybody(rule)
  return (
    <li className={s.rule} aria-label={`Rule ${n}`}>
      <div className={s.fields}>
        <Field label="Connection" size="small">
          <Select value={rule.type} onChange={(_, data) => onSet({ type: data.value as RuleType })}>
            {types.map(({ id, title }) => <option key={id} value={id}>{title}</option>)}
          </Select>
        </Field>
        <Field label="Database" size="small" {...said('database')}>
          <Input value={rule.database} onChange={(_, data) => onSet({ database: data.value })} />
        </Field>
        <Field label="Role" size="small" {...said('role')}>
          <Input value={rule.role} onChange={(_, data) => onSet({ role: data.value })} />
        </Field>
        <Field label="From" size="small" {...said('address')}>
          <Input
            value={rule.address ?? ''}
            placeholder="192.0.2.0/24"
            spellCheck={false}
            input={{ className: s.mono }}
            onChange={(_, data) => onSet({ address: data.value })}
          />
        </Field>
        <Field label="Signs in with" size="small" {...said('method')}>
          <Select value={rule.method} onChange={(_, data) => onSet({ method: data.value })}>
            {methods.map(({ id, title }) => <option key={id} value={id}>{title}</option>)}
          </Select>
        </Field>
        <span className={s.buttons}>
          <Move label={`Move rule ${n} up`} icon={<ArrowUpRegular />} off={place === 0} onClick={() => onMove(-1)} />
          <Move label={`Move rule ${n} down`} icon={<ArrowDownRegular />} off={n === of} onClick={() => onMove(1)} />
          <Move label={`Remove rule ${n}`} icon={<DeleteRegular />} off={false} onClick={onRemove} />
        </span>
      </div>
      <Text size={200} className={s.quiet}>
        {ruleSentence(rule)}{everybody ? ' This is every address there is.' : ''}
      </Text>
    </li>
  )
}

const Move = ({ label, icon, off, onClick }: { label: string; icon: React.ReactElement; off: boolean; onClick: () => void }) => (
  <Tooltip content={label} relationship="label">
    <Button size="small" appearance="subtle" icon={icon} disabledFocusable={off} onClick={off ? undefined : onClick} />
  </Tooltip>
)
