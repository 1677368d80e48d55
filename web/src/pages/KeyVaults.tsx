import { Page } from '../parts/Page'

export const KeyVaults = () => <Page title="Key vaults" />
