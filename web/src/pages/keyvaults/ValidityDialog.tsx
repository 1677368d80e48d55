// From when and until when a version of a key may be used.
import { Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { shell } from '../../format'
import { FormDialog } from '../../parts/Dialogs'
import { Moment, momentOf, typedOf } from '../../parts/Moment'
import { Note } from '../../parts/Page'
import { ofKey } from './api'
import type { Key } from './model'

interface Props {
  vault: string
  of: Key
  etag: string | undefined
  onClose: () => void
}

export const ValidityDialog = ({ vault, of: key, etag, onClose }: Props) => {
  const client = useQueryClient()
  const [from, setFrom] = useState(typedOf(key.not_before))
  const [until, setUntil] = useState(typedOf(key.expires_at))
  const not_before = momentOf(from)
  const expires_at = momentOf(until)
  const body = { ...(not_before ? { not_before } : {}), ...(expires_at ? { expires_at } : {}) }
  const now = Date.now()
  const closes =
    key.used_by.length > 0 &&
    ((expires_at && Date.parse(expires_at) <= now) || (not_before && Date.parse(not_before) > now))
  const backwards = not_before && expires_at && Date.parse(expires_at) <= Date.parse(not_before)
  const flags = [not_before && `--not-before ${not_before}`, expires_at && `--expires ${expires_at}`]
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Validity of ${key.name}`}
      submit="Set validity"
      ready={Object.keys(body).length > 0 && !backwards}
      run={async () => {
        await api.patch<Key>(ofKey(vault, key.name), body, etag)
        await client.invalidateQueries({ queryKey: ['keyvaults', vault] })
      }}
      line={{
        title: 'Set validity',
        cli: ['pgkeep keyvault key set-attributes', `--vault-name ${shell(vault)} -n ${shell(key.name)}`, ...flags]
          .filter(Boolean)
          .join(' '),
        method: 'PATCH',
        path: ofKey(vault, key.name),
        body,
      }}
    >
      <Moment label="Valid from" hint="Empty: stays as it is." value={from} onChange={setFrom} />
      <Moment label="Expires" hint="Empty: stays as it is." value={until} onChange={setUntil} />
      {backwards && <Note intent="error" title="It would end before it begins." />}
      {closes && (
        <Note
          intent="warning"
          title="The key would not be valid now."
          text={`These servers become Inaccessible within seconds: ${key.used_by.join(', ')}.`}
        />
      )}
      <Text size={200}>Holds for the newest version; other versions keep theirs.</Text>
    </FormDialog>
  )
}
