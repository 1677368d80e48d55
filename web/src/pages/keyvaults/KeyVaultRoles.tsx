import { useParams } from '@tanstack/react-router'
import { RolesPage } from './RolesPage'

export const KeyVaultRoles = () => {
  const { vault = '' } = useParams({ strict: false }) as Record<string, string>
  return <RolesPage key={vault} vault={vault} />
}
