export { KeyVaultsPage as KeyVaults } from './keyvaults/KeyVaultsPage'
