import { useParams } from '@tanstack/react-router'
import { AuditPage } from './AuditPage'

export const KeyVaultAudit = () => {
  const { vault = '' } = useParams({ strict: false }) as Record<string, string>
  return <AuditPage key={vault} vault={vault} />
}
