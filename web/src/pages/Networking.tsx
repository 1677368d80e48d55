import { Page } from '../parts/Page'

export const Networking = () => <Page title="Networking" />
