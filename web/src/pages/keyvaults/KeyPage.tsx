// One key: what it is, which servers use it, its versions, its rotation, its end.
import { Text } from '@fluentui/react-components'
import {
  ArrowClockwiseRegular, ArrowSyncRegular, CalendarRegular, DeleteRegular, PauseRegular, PlayRegular,
} from '@fluentui/react-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { finished } from '../../frame/finish'
import { CopyValue } from '../../parts/Copy'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog } from '../../parts/Dialogs'
import { Empty, Guard } from '../../parts/Guard'
import { Link, useGo } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Verdict } from '../../parts/State'
import { Time } from '../../parts/Time'
import { paths } from '../../paths'
import { EnableDialog, enableLine } from './EnableDialog'
import { KeyStateBadge, UsedBy } from './KeyVaultPage'
import { RotationCard } from './RotationCard'
import { ValidityDialog } from './ValidityDialog'
import { Versions } from './Versions'
import { keyQuery, ofKey, vaultQuery } from './api'
import { type Key, keyKind, keyState, versionOf, withoutVersion } from './model'
import { keyvaultCrumbs } from '../../parts/tabs'

const RULE = 'key.state/1: good when enabled and valid for thirty more days'
const verdicts = { usable: 'good', 'expires-soon': 'warning', 'not-yet': 'warning', disabled: 'bad', expired: 'bad' }

export const KeyPage = ({ vault, name }: { vault: string; name: string }) => {
  const query = useQuery(keyQuery(vault, name))
  const info = useQuery(vaultQuery(vault))
  const client = useQueryClient()
  const go = useGo()
  const [asking, setAsking] = useState<'rotate' | 'enable' | 'validity' | 'delete'>()
  const key = query.data?.data
  const refresh = () => client.invalidateQueries({ queryKey: ['keyvaults', vault] })
  const close = () => setAsking(undefined)
  return (
    <Page
      title={name}
      badge={key && <KeyStateBadge of={key} />}
      crumbs={keyvaultCrumbs(vault)}
      actions={[
        { label: 'Rotate now…', needs: 'keyvault_key_rotate', icon: <ArrowSyncRegular />, onClick: () => setAsking('rotate'), line: rotateLine(vault, name) },
        {
          label: key?.enabled === false ? 'Enable…' : 'Disable…',
          needs: 'keyvault_key_update',
          icon: key?.enabled === false ? <PlayRegular /> : <PauseRegular />,
          onClick: () => setAsking('enable'),
          line: enableLine(vault, name, key?.enabled === false),
        },
        { label: 'Set validity…', needs: 'keyvault_key_update', icon: <CalendarRegular />, onClick: () => setAsking('validity') },
        { label: 'Delete…', needs: 'keyvault_key_delete', icon: <DeleteRegular />, onClick: () => setAsking('delete'), line: deleteLine(vault, name) },
        { label: 'Refresh', icon: <ArrowClockwiseRegular />, onClick: () => void refresh() },
      ]}
      lines={[
        {
          title: 'Show the key',
          cli: `pgkeep keyvault key show --vault-name ${shell(vault)} -n ${shell(name)}`,
          path: ofKey(vault, name),
        },
      ]}
      essentials={
        key && [
          {
            name: 'Verdict',
            value: (
              <Verdict
                verdict={verdicts[keyState(key, Date.now())]}
                looked_at={new Date(query.dataUpdatedAt).toISOString()}
                rule={RULE}
              />
            ),
          },
          { name: 'Kind', value: keyKind(key) || 'unknown' },
          { name: 'Address', value: <CopyValue value={withoutVersion(key.kid)} label="address of the key" /> },
          { name: 'Newest version', value: <CopyValue value={versionOf(key)} label="version" /> },
          { name: 'Valid from', value: key.not_before ? <Time at={key.not_before} /> : 'always' },
          { name: 'Expires', value: key.expires_at ? <Time at={key.expires_at} /> : 'never' },
          { name: 'May be used to', value: key.operations.join(', ') },
          { name: 'Created', value: <Time at={key.created_at} /> },
          ...(Object.keys(key.tags).length > 0
            ? [{ name: 'Tags', value: Object.entries(key.tags).map(([tag, value]) => `${tag}=${value}`).join(', ') }]
            : []),
        ]
      }
    >
      <Guard query={query} what="Key">
        {({ data }) => (
          <>
            <Section title="Servers that use this key">
              {data.used_by.length > 0 ? (
                <Text>
                  <UsedBy names={data.used_by} />: disable or delete this key, and they close within seconds. They come
                  back by themselves with the key.
                </Text>
              ) : (
                <Empty
                  title="No server uses it"
                  text="A server uses a key when its data key is wrapped by it: choose it when you create a server, or change the key at the server's page about data encryption."
                  cli={`pgkeep server create -n shop --key ${withoutVersion(data.kid)} --identity IDENTITY`}
                />
              )}
            </Section>
            <RotationCard vault={vault} name={name} />
            <Versions vault={vault} name={name} newest={versionOf(data)} />
          </>
        )}
      </Guard>
      {key && asking === 'enable' && (
        <EnableDialog vault={vault} name={name} enable={!key.enabled} usedBy={key.used_by} onClose={close} />
      )}
      {key && asking === 'validity' && (
        <ValidityDialog vault={vault} of={key} etag={query.data?.etag} onClose={close} />
      )}
      <DangerDialog
        open={asking === 'rotate'}
        onClose={close}
        title={`A new version of ${name}?`}
        preview={
          <Text>
            A new key of the same kind is made and becomes the newest version. Older versions stay and go on
            unwrapping what they wrapped.{' '}
            {key && key.used_by.length > 0 && (
              <>Servers that follow the newest version wrap their data key anew, without downtime: {key.used_by.join(', ')}.</>
            )}
          </Text>
        }
        submit="Rotate"
        run={async () => {
          const made = (await finished(await api.post<unknown>(`${ofKey(vault, name)}/rotate`))) as Key | undefined
          await refresh()
          return (
            <Text>
              The newest version is now <code>{made ? versionOf(made) : 'the one shown below'}</code>.
            </Text>
          )
        }}
        line={rotateLine(vault, name)}
      />
      <DangerDialog
        open={asking === 'delete'}
        onClose={close}
        title={`Delete the key ${name}?`}
        preview={
          <>
            <Text>
              All versions stop working at once. For {info.data?.retention_days ?? 90} days the key can be recovered;
              after that it is destroyed, and what only it can unwrap is lost for ever.
            </Text>
            {key && key.used_by.length > 0 && (
              <Text weight="semibold">
                These servers become Inaccessible within seconds: {key.used_by.join(', ')}.
              </Text>
            )}
            <Text>
              {info.data?.purge_protection
                ? 'Purge protection is on: nobody can destroy it earlier.'
                : 'Purge protection is off: whoever may purge can destroy it earlier.'}
            </Text>
          </>
        }
        name={name}
        submit="Delete"
        run={async () => {
          await api.delete(ofKey(vault, name))
          // First away from the page: what is on it would ask for what is gone.
          go(paths.deletedKeys(vault))
          window.setTimeout(() => {
            client.removeQueries({ queryKey: ['keyvaults', vault, 'keys', name] })
            void refresh()
          })
        }}
        line={deleteLine(vault, name)}
      />
      {query.error && (
        <Text>
          It may have been deleted: look at the <Link to={paths.deletedKeys(vault)}>deleted keys</Link>.
        </Text>
      )}
    </Page>
  )
}

const rotateLine = (vault: string, name: string): CliLine => ({
  title: 'Rotate now',
  cli: `pgkeep keyvault key rotate --vault-name ${shell(vault)} -n ${shell(name)}`,
  method: 'POST',
  path: `${ofKey(vault, name)}/rotate`,
})

const deleteLine = (vault: string, name: string): CliLine => ({
  title: 'Delete the key',
  cli: `pgkeep keyvault key delete --vault-name ${shell(vault)} -n ${shell(name)}`,
  method: 'DELETE',
  path: ofKey(vault, name),
})
