import { Page } from '../parts/Page'

export const Servers = () => <Page title="Servers" />
