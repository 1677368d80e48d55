import { Page } from '../parts/Page'

export const KeyVault = () => <Page title="Key vault" />
