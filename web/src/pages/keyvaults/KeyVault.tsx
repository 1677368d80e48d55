import { useParams } from '@tanstack/react-router'
import { KeyVaultPage } from './KeyVaultPage'

export const KeyVault = () => {
  const { vault = '' } = useParams({ strict: false }) as Record<string, string>
  return <KeyVaultPage key={vault} vault={vault} />
}
