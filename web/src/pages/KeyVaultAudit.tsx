import { Page } from '../parts/Page'

export const KeyVaultAudit = () => <Page title="Audit" />
