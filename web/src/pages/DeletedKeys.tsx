import { Page } from '../parts/Page'

export const DeletedKeys = () => <Page title="Deleted keys" />
