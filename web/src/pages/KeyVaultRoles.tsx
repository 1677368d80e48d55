import { Page } from '../parts/Page'

export const KeyVaultRoles = () => <Page title="Roles" />
