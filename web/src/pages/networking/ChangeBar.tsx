// Unsent changes at the foot of the page: preview, then apply.
import { Button, Text, makeStyles, tokens } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { count } from '../../format'
import { DataTable } from '../../parts/DataTable'
import { Diff } from '../../parts/Diff'
import { EditDrawer } from '../../parts/EditDrawer'
import { Fault, Loading } from '../../parts/Guard'
import { Note } from '../../parts/Page'
import { apiPath } from '../../paths'
import { changeNetworking, previewNetworking } from './api'
import type { NetworkingPreview, NetworkingUpdate } from './model'

const useStyles = makeStyles({
  bar: {
    position: 'sticky', bottom: '12px', zIndex: 1, display: 'flex', alignItems: 'center', gap: '12px', flexWrap: 'wrap',
    padding: '10px 16px', borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorBrandStroke1}`, boxShadow: tokens.shadow16,
  },
  gap: { flexGrow: 1 },
  part: { display: 'grid', gap: '8px' },
})

interface Props {
  server: string
  update: NetworkingUpdate
  etag: string | undefined
  refused: string | undefined
  onDiscard: () => void
  onApplied: (restart: boolean) => void
}

export const ChangeBar = ({ server, update, etag, refused, onDiscard, onApplied }: Props) => {
  const s = useStyles()
  const [open, setOpen] = useState(false)
  const look = useMutation({ mutationFn: () => previewNetworking(server, update) })
  const apply = useMutation({
    mutationFn: () => changeNetworking(server, update, etag),
    onSuccess: () => onApplied(look.data?.restart_needed ?? false),
  })
  const preview = () => {
    apply.reset()
    setOpen(true)
    look.mutate()
  }
  const n = Object.keys(update).length
  return (
    <>
      <div className={s.bar} role="region" aria-label="Unsent changes">
        <Text weight="semibold">{count(n, 'part')} changed, not sent yet</Text>
        {refused && <Text>{refused}.</Text>}
        <span className={s.gap} />
        <Button onClick={onDiscard}>Discard</Button>
        <Button appearance="primary" disabledFocusable={Boolean(refused)} onClick={refused ? undefined : preview}>
          Preview the change
        </Button>
      </div>
      {open && (
        <EditDrawer
          title={`Change networking of ${server}`}
          lead="What would be written, and who could not come in any more. Nothing has been changed yet."
          onClose={() => setOpen(false)}
          submit={{
            label: apply.isPending ? 'Applying…' : 'Apply',
            busy: look.isPending || apply.isPending,
            refused: !look.data && 'There is no preview',
          }}
          onSubmit={() => apply.mutate()}
          buttons={<Button onClick={() => setOpen(false)}>Back</Button>}
          error={apply.error}
          lines={[
            {
              title: 'Preview',
              method: 'POST',
              path: apiPath`/servers/${server}/networking/preview`,
              body: update,
            },
            { title: 'Apply', method: 'PUT', path: apiPath`/servers/${server}/networking`, body: update },
          ]}
        >
          {look.isPending && <Loading lines={6} />}
          {look.error && <Fault error={look.error} again={() => look.mutate()} />}
          {look.data && <Preview preview={look.data} />}
        </EditDrawer>
      )}
    </>
  )
}

const kinds = { session: 'Session', rule: 'Rule', role: 'Role' }

const Preview = ({ preview }: { preview: NetworkingPreview }) => {
  const s = useStyles()
  const { changes, would_refuse: refused, restart_needed: restart } = preview
  return (
    <>
      {changes.length > 0 ? (
        <div className={s.part}>
          <Text weight="semibold">What would be written</Text>
          <Diff label="What would be written" lines={changes} />
        </div>
      ) : (
        <Note intent="info" title="Nothing would be written." text="The server is so already." />
      )}
      <div className={s.part}>
        <Text weight="semibold">Who would be refused</Text>
        {refused.length === 0 ? (
          <Note
            intent="success"
            title="Nobody that can be seen now."
            text="Open sessions, rules and roles were looked at. Who is not connected at the moment cannot be seen."
          />
        ) : (
          <DataTable
            name="would-be-refused"
            noun="refusal"
            urlKey="refused-"
            rows={refused.map((one, index) => ({ ...one, id: String(index) }))}
            rowId={(one) => one.id}
            columns={[
              { id: 'kind', title: 'What', value: (one) => kinds[one.kind] ?? one.kind },
              { id: 'who', title: 'Who', value: (one) => one.who, mono: true },
              { id: 'why', title: 'Why', value: (one) => one.why },
            ]}
          />
        )}
      </div>
      <Note
        intent={restart ? 'warning' : 'info'}
        title={restart ? 'Needs a restart.' : 'Needs no restart.'}
        text={
          restart
            ? 'Listen addresses are read only when PostgreSQL starts. Everything else holds at once.'
            : 'Holds for new connections at once; open sessions are not ended.'
        }
      />
    </>
  )
}
