import { useParams } from '@tanstack/react-router'
import { DeletedKeysPage } from './DeletedKeysPage'

export const DeletedKeys = () => {
  const { vault = '' } = useParams({ strict: false }) as Record<string, string>
  return <DeletedKeysPage key={vault} vault={vault} />
}
