import { Page } from '../parts/Page'

export const Server = () => <Page title="Server" />
