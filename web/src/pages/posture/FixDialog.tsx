// Mends what a check found: what would be done and who would be refused, then the proof.
import { Spinner, Text, makeStyles, tokens } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError, api } from '../../api/client'
import type { FixChange, FixPlan, FixRecord } from '../../api/types'
import { count, sentences, shell } from '../../format'
import { finished } from '../../frame/finish'
import { CodeBlock } from '../../parts/Copy'
import { DangerDialog } from '../../parts/Dialogs'
import { Fault } from '../../parts/Guard'
import { Note } from '../../parts/Page'
import { apiPath } from '../../paths'
import { postureKey } from './api'

const useStyles = makeStyles({
  part: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '8px' },
  list: { margin: 0, paddingInlineStart: '18px' },
  quiet: { color: tokens.colorNeutralForeground2 },
})

/** So many changes are shown. */
const SHOWN = 20

export const FixDialog = ({ server, check, profile, onClose }: {
  server: string
  check: string
  profile: string
  onClose: () => void
}) => {
  const client = useQueryClient()
  const path = apiPath`/servers/${server}/baseline/fixes`
  const wish = { check, ...(profile ? { profile } : {}) }
  const plan = useQuery({
    queryKey: [...postureKey(server), 'plan', check, profile],
    queryFn: async () => (await finished(await api.post(`${path}/preview`, wish))) as FixPlan,
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })
  return (
    <DangerDialog
      open
      onClose={onClose}
      title={`Mend ${check} on ${server}?`}
      preview={
        plan.error ? <Fault error={plan.error} what="No plan" again={() => void plan.refetch()} />
          : plan.data ? <Planned plan={plan.data} /> : <Spinner size="small" label="Planning: statements are tried and rolled back" />
      }
      submit="Mend"
      run={async () => {
        if (!plan.data) throw new ApiError(409, { code: 'no_plan', message: 'there is no plan yet' })
        const body = { ...wish, plan: plan.data.plan_hash }
        try {
          const made = (await finished(await api.post(path, body))) as FixRecord
          return <Made made={made} />
        } finally {
          await client.invalidateQueries({ queryKey: postureKey(server) })
        }
      }}
      line={{
        title: 'Mend it', method: 'POST', path, body: wish,
        cli: `pgkeep baseline fix ${shell(check)} -s ${shell(server)}${profile ? ` --profile ${profile}` : ''}`,
      }}
    />
  )
}

const Planned = ({ plan }: { plan: FixPlan }) => {
  const s = useStyles()
  const refused = plan.radius.refused as unknown as [{ role: string; database: string; address: string | null }, string][]
  if (plan.changes.length === 0) return <Text>There is nothing to do: {sentences(plan.reason)}</Text>
  return (
    <div className={s.part}>
      <Changes changes={plan.changes} />
      {refused.length > 0 ? (
        <Note intent="error" title={`${count(refused.length, 'way', 'ways')} of signing in would be refused.`} text={
          <ul className={s.list}>
            {refused.slice(0, SHOWN).map(([who, why], i) => (
              <li key={i}>{who.role} in {who.database} from {who.address ?? 'the socket'}: {why}</li>
            ))}
          </ul>
        } />
      ) : (
        <Text size={200} className={s.quiet}>Nobody would be refused, of {count(plan.radius.seen, 'way', 'ways')} of signing in that were seen ({plan.radius.window}).</Text>
      )}
      {plan.radius.unsure.length > 0 && <Note intent="warning" title="Not all of that is known." text={sentences(...plan.radius.unsure)} />}
      {plan.restart && <Note intent="info" title="It takes effect when the server is started anew." />}
      {plan.notes.map((note) => <Text key={note} size={200}>{sentences(note)}</Text>)}
    </div>
  )
}

/** What is done, word by word. */
export const Changes = ({ changes }: { changes: FixChange[] }) => {
  const s = useStyles()
  return (
    <div className={s.part}>
      {changes.slice(0, SHOWN).map((change, i) => (
        <div key={i} className={s.part}>
          <Text>{sentences(change.what)}</Text>
          {change.sql && <CodeBlock wrap text={change.database ? `-- in ${change.database}\n${change.sql}` : change.sql} label={`change ${i + 1}`} />}
          {(change.diff?.length ?? 0) > 0 && <CodeBlock wrap text={change.diff?.join('\n') ?? ''} label={`lines of ${change.path ?? 'the file'}`} />}
        </div>
      ))}
      {changes.length > SHOWN && <Text>And {changes.length - SHOWN} more.</Text>}
    </div>
  )
}

const Made = ({ made }: { made: FixRecord }) => (
  <Note
    intent={made.proved ? 'success' : made.state === 'needs-restart' ? 'info' : 'warning'}
    title={made.proved ? 'Mended, and proved.' : made.state === 'needs-restart' ? 'Made; it waits for a start of the server.' : 'Not mended.'}
    text={sentences(made.proof?.reason, made.proof?.left.length ? `left: ${made.proof.left.join(', ')}` : undefined, made.fix_id && `It can be taken back: pgkeep baseline undo ${made.fix_id}`)}
  />
)
