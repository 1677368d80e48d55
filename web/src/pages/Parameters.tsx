import { Page } from '../parts/Page'

export const Parameters = () => <Page title="Parameters" />
