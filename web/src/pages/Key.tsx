import { Page } from '../parts/Page'

export const Key = () => <Page title="Key" />
