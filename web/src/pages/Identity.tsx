import { Page } from '../parts/Page'

export const Identity = () => <Page title="Identity" />
