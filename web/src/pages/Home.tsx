import { Page } from '../parts/Page'

export const Home = () => <Page title="Home" />
