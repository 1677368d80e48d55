// Saves a query under a name, for everybody who may read the logs.
import { Field, Input, Text, Textarea } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { notify } from '../../frame/notify'
import { FormDialog } from '../../parts/Dialogs'
import { apiPath } from '../../paths'
import { saveQuery, savedKey, savedQuery } from './api'
import { utf8Length } from './offsets'

const NAME_BYTES_MOST = 100

interface Props {
  open: boolean
  title: string
  query: string
  onSaved: (name: string) => void
  onClose: () => void
}

export const SaveDialog = ({ open, title, query, onSaved, onClose }: Props) => {
  const client = useQueryClient()
  const known = useQuery({ ...savedQuery, enabled: open }).data
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  useEffect(() => {
    if (open) setName(/^Query \d+$/.test(title) ? '' : title)
  }, [open, title])
  const same = known?.find((one) => one.name === name.trim())
  const wrong = utf8Length(name.trim()) > NAME_BYTES_MOST
    ? 'A name has at most 100 bytes.'
    : same?.category ? 'A query that comes with pgkeep has this name.' : undefined
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="Save the query"
      submit={same && !wrong ? 'Replace' : 'Save'}
      ready={name.trim() !== '' && !wrong}
      run={async () => {
        await saveQuery(name.trim(), description.trim(), query)
        await client.invalidateQueries({ queryKey: savedKey })
        notify('success', `Saved the query ${name.trim()}`)
        onSaved(name.trim())
      }}
      line={{ title: 'Save the query', method: 'PUT', path: apiPath`/logs/saved-queries/${name.trim() || 'NAME'}`, body: { description, query } }}
    >
      <Field label="Name" required
        {...(wrong ? { validationState: 'error', validationMessage: wrong } : same ? { validationState: 'warning', validationMessage: 'It takes the place of the query of this name.' } : {})}>
        <Input value={name} autoComplete="off" onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="What it answers">
        <Textarea value={description} maxLength={1000} onChange={(_, data) => setDescription(data.value)} />
      </Field>
      <Text size={200}>The whole text of the tab is saved; the time range is not.</Text>
    </FormDialog>
  )
}
