// Every rule in force, in PostgreSQL's order: the first that fits decides.
import { Text, makeStyles, tokens } from '@fluentui/react-components'
import { DataTable } from '../../parts/DataTable'
import { Section } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { type Networking, type Rule, ruleLine, ruleSentence } from './model'

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground2 },
  words: { display: 'grid', gap: '2px', minWidth: '260px' },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
})

/** A line that PostgreSQL could not read; the API says so in its method. */
const broken = (rule: Rule) => rule.method.startsWith('error:')

type Placed = Rule & { order: number }

export const EffectiveRules = ({ networking, readAt }: { networking: Networking; readAt: string }) => {
  const s = useStyles()
  const rows: Placed[] = networking.effective_rules.map((rule, index) => ({ ...rule, order: index + 1 }))
  return (
    <Section title="Who may connect">
      <Text size={200} className={s.quiet}>
        PostgreSQL goes through these rules from the top; the first that fits decides, and where none fits the
        connection is refused. Read from pg_hba_file_rules of the running server <Time at={readAt} age />.
      </Text>
      <DataTable
        name="rules-in-force"
        noun="rule"
        urlKey="rules-"
        rows={rows}
        rowId={(rule) => String(rule.order)}
        columns={[
          { id: 'order', title: 'Order', align: 'end', width: '84px', value: (rule) => rule.order },
          {
            id: 'words',
            title: 'Rule',
            value: ruleSentence,
            cell: (rule) => (
              <span className={s.words}>
                <span>{ruleSentence(rule)}</span>
                <span className={`${s.mono} ${s.quiet}`}>{ruleLine(rule)}</span>
              </span>
            ),
          },
          { id: 'type', title: 'Type', value: (rule) => rule.type, mono: true, hidden: true },
          { id: 'database', title: 'Database', value: (rule) => rule.database, mono: true, hidden: true },
          { id: 'role', title: 'Role', value: (rule) => rule.role, mono: true, hidden: true },
          { id: 'address', title: 'Address', value: (rule) => rule.address, mono: true, hidden: true },
          { id: 'method', title: 'Method', value: (rule) => rule.method, mono: true, hidden: true },
          {
            id: 'effect',
            title: 'Effect',
            value: (rule) => (broken(rule) ? 'not in force' : rule.method === 'reject' ? 'refuses' : 'lets in'),
            cell: (rule) =>
              broken(rule) ? (
                <Badge tone="warn">Not in force</Badge>
              ) : rule.method === 'reject' ? (
                <Badge tone="bad">Refuses</Badge>
              ) : (
                <Badge tone="good">Lets in</Badge>
              ),
          },
          {
            id: 'by',
            title: 'Written by',
            value: (rule) => (rule.managed ? 'pgkeep' : 'you'),
          },
          // Without its line the order says where a rule stands.
          ...(rows.some((rule) => rule.line)
            ? [{ id: 'place', title: 'File and line', value: placeOf, mono: true }]
            : []),
        ]}
      />
    </Section>
  )
}

const placeOf = (rule: Placed) => `${rule.file ?? 'pg_hba.conf'}:${rule.line ?? '?'}`
