// A new version of the wrapping key: said before, proved after.
import { Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { api } from '../../api/client'
import type { Encryption, Job } from '../../api/types'
import { sentences } from '../../format'
import { follow, useRun } from '../../frame/jobs'
import { DangerDialog } from '../../parts/Dialogs'
import { Essentials } from '../../parts/Page'
import { Badge } from '../../parts/State'
import { Time } from '../../parts/Time'
import { apiPath, paths } from '../../paths'
import { ownKey } from '../servers/ServerTable'

export const RotateKey = ({ name, open, onClose, current }: {
  name: string
  open: boolean
  onClose: () => void
  current: Encryption
}) => {
  const run = useRun()
  const client = useQueryClient()
  const own = ownKey(current.key_uri)
  const path = apiPath`/servers/${name}/encryption/rotate`
  const rotate = async () => {
    const job = await follow(await api.post<Job>(path))
    await run(async () => job, { title: `Rotate the key of ${name}`, link: paths.encryption(name), changes: [['servers'], ['keyvaults'], ['home']] })
    if (job.state === 'failed') throw new Error(sentences(job.error?.message, job.error?.hint))
    const now = await api.get<Encryption>(apiPath`/servers/${name}/encryption`)
    void client.invalidateQueries({ queryKey: ['servers', name] })
    const moved = now.key_version !== current.key_version
    return (
      <>
        <Badge tone={moved ? 'good' : 'warn'}>
          {moved ? 'The data key is wrapped by the new version' : 'A new version was made; the server follows it within a moment'}
        </Badge>
        <Essentials facts={[
          { name: 'Version before', value: current.key_version },
          { name: 'Version now', value: now.key_version },
          { name: 'Proved at', value: <Time at={now.last_validated_at} /> },
        ]} />
      </>
    )
  }
  return (
    <DangerDialog open={open} onClose={onClose} title={`Rotate the key of ${name}?`} submit="Rotate" run={rotate}
      preview={
        <>
          <Text>
            A new version of the key is made and wraps the data key. The data key itself stays, so no row is
            written anew and no session notices. Both wrappings are kept until the new one is proved to open.
          </Text>
          {current.mode === 'CustomerManaged' && (
            <Text>Keep the old version enabled until that proof: disabling it earlier makes the server Inaccessible.</Text>
          )}
        </>
      }
      line={{ title: 'Rotate', cli: own && `pgkeep keyvault key rotate --vault-name ${own.vault} -n ${own.key}`, method: 'POST', path }} />
  )
}
