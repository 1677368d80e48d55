import { Page } from '../parts/Page'

export const Encryption = () => <Page title="Data encryption" />
