import { useParams } from '@tanstack/react-router'
import { AuditPage } from './keyvaults/AuditPage'

export const KeyVaultAudit = () => {
  const { vault = '' } = useParams({ strict: false }) as Record<string, string>
  return <AuditPage key={vault} vault={vault} />
}
