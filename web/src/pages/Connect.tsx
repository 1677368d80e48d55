import { Page } from '../parts/Page'

export const Connect = () => <Page title="Connect" />
