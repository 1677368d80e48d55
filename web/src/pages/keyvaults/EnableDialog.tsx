// Enabling or disabling a version of a key, with whom that touches.
import { Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { api } from '../../api/client'
import { shell } from '../../format'
import type { CliLine } from '../../parts/CopyAsCli'
import { DangerDialog } from '../../parts/Dialogs'
import { ofKey } from './api'
import type { Key } from './model'

interface Props {
  vault: string
  name: string
  /** The newest one when not given. */
  version?: string
  enable: boolean
  usedBy: string[]
  onClose: () => void
}

export const EnableDialog = ({ vault, name, version, enable, usedBy, onClose }: Props) => {
  const client = useQueryClient()
  const verb = enable ? 'Enable' : 'Disable'
  const hurts = !enable && usedBy.length > 0
  return (
    <DangerDialog
      open
      onClose={onClose}
      title={`${verb} ${version ? `version ${version.slice(0, 8)}… of ` : 'the key '}${name}?`}
      preview={
        enable ? (
          <Text>
            It can be used again from the next request on.
            {usedBy.length > 0 && ` Servers that wait for it come back by themselves: ${usedBy.join(', ')}.`}
          </Text>
        ) : (
          <>
            <Text>Every use is refused from the next request on. It can be enabled again at any time.</Text>
            {hurts && (
              <Text weight="semibold">
                Servers whose data key this version wraps become Inaccessible within seconds, and their sessions end:{' '}
                {usedBy.join(', ')}.
              </Text>
            )}
          </>
        )
      }
      {...(hurts ? { name } : {})}
      submit={verb}
      run={async () => {
        const after = await api.patch<Key>(ofKey(vault, name), { enabled: enable, ...(version ? { version } : {}) })
        await client.invalidateQueries({ queryKey: ['keyvaults', vault] })
        return (
          <Text>
            The vault says: {after.enabled ? 'enabled' : 'disabled'}
            {usedBy.length > 0 && '. The servers follow within seconds; their states are at Servers'}.
          </Text>
        )
      }}
      line={enableLine(vault, name, enable, version)}
    />
  )
}

export const enableLine = (vault: string, name: string, enable: boolean, version?: string): CliLine => ({
  title: enable ? 'Enable' : 'Disable',
  cli: `pgkeep keyvault key set-attributes --vault-name ${shell(vault)} -n ${shell(name)}${version ? ` --version ${version}` : ''} --enabled ${enable}`,
  method: 'PATCH',
  path: ofKey(vault, name),
  body: { enabled: enable, ...(version ? { version } : {}) },
})
