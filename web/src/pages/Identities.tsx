export { IdentitiesPage as Identities } from './identities/IdentitiesPage'
