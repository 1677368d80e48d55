import { Page } from '../parts/Page'

export const Identities = () => <Page title="Identities" />
