export const routes = ({ list }) => [
  ['GET', '/keyvaults', () => list([{ name: 'hospital', uri: 'https://hospital.vault.localhost:8201/' }])],
  ['GET', '/identities', () => list([{ name: 'clinic-server', client_id: '6f0d7c1e-4d22-41f3-85b8-e7d604120000' }])],
]
