// Every page of the portal with something on it to see. A page of a later part adds its line here;
// the test of accessibility fails while `src/paths.ts` names one that is missing.
import { paths } from '../../src/paths'
import { api, demo, pgkeepJson, shell } from './installation'

/** What stands on the pages; made once, by `furnish`. */
export const names = { vault: 'ledger', key: 'orders', gone: 'old-orders', identity: 'shop', user: 'mira', person: 'jonas' }

/** Pages that are only another page's address. */
const ELSEWHERE = ['settings']
/** The page that is seen without a session. */
export const signIn = { name: 'signIn', path: paths.signIn() }

const shown: Record<string, string> = {
  home: paths.home(),
  servers: paths.servers(),
  server: paths.server(demo),
  connect: paths.connect(demo),
  parameters: paths.parameters(demo),
  networking: paths.networking(demo),
  encryption: paths.encryption(demo),
  keyvaults: paths.keyvaults(),
  keyvault: paths.keyvault(names.vault),
  key: paths.key(names.vault, names.key),
  deletedKeys: paths.deletedKeys(names.vault),
  keyvaultRoles: paths.keyvaultRoles(names.vault),
  keyvaultAudit: paths.keyvaultAudit(names.vault),
  identities: paths.identities(),
  identity: paths.identity(names.identity),
  logs: paths.logs(),
  posture: paths.posture(),
  serverPosture: paths.serverPosture(demo),
  postureHistory: paths.postureHistory(demo),
  postureFixes: paths.postureFixes(demo),
  postureWaivers: paths.postureWaivers(demo),
  postureRoles: paths.postureRoles(demo),
  postureHba: paths.postureHba(demo, { role: 'postgres' }),
  tables: paths.tables(),
  connectors: paths.connectors(),
  settingsUsers: paths.settingsUsers(),
  settingsRoles: paths.settingsRoles(),
  settingsTokens: paths.settingsTokens(),
  settingsSignIn: paths.settingsSignIn(),
  settingsActivity: paths.settingsActivity(),
  settingsAbout: paths.settingsAbout(),
  jobs: paths.jobs(),
}

/** The pages in the frame, by the name of their path. */
export const pages = Object.entries(shown).map(([name, path]) => ({ name, path }))

/** Paths that the portal has and nobody looks at. */
export const forgotten = Object.keys(paths)
  .filter((name) => !(name in shown) && name !== signIn.name && !ELSEWHERE.includes(name))

/** Long work, until it has ended well. */
const done = async (job: { id: string }) => {
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((then) => setTimeout(then, 250))) {
    const { state, error } = await api<{ state: string; error: unknown }>('GET', `/jobs/${job.id}`)
    if (state === 'succeeded') return
    if (state === 'failed') throw new Error(JSON.stringify(error))
  }
  throw new Error(`job ${job.id} does not end`)
}

/** Two assessments with something different between them, a role on its way up, and a waiver. */
export const assessed = async () => {
  const path = `/servers/${demo}/baseline`
  const { items } = await api<{ items: unknown[] }>('GET', `${path}/assessments`)
  if (items.length > 1) return
  const dsn = pgkeepJson<{ dsn: string }>('server', 'show', '-n', demo).dsn
  await done(await api('POST', `${path}/assessments`, {}))
  const sql = 'create role helper login; create role deputy login; grant pg_execute_server_program to helper; grant helper to deputy'
  expectOk(shell(`psql '${dsn}' -XAtqc '${sql}'`))
  await done(await api('POST', `${path}/assessments`, {}))
  const until = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)
  await api('POST', `${path}/waivers`, { check: 'LOG-17', reason: 'a proxy logs connections', owner: 'mira', until })
}

const expectOk = (ran: { code: number | null; said: string }) => {
  if (ran.code !== 0) throw new Error(ran.said)
}

/** Makes a vault with a key, a deleted key, a role, an identity, a user and a token; assesses. Twice is once. */
export const furnish = async () => {
  const make = async (path: string, body: unknown) => {
    try {
      await api('POST', path, body)
    } catch (error) {
      if (!/: 409 /.test(String(error))) throw error
    }
  }
  const vault = `/keyvaults/${names.vault}`
  await make('/keyvaults', { name: names.vault })
  await make('/identities', { name: names.identity, servers: true })
  for (const name of [names.key, names.gone]) await make(`${vault}/keys`, { name })
  await make(`${vault}/role-assignments`, {
    role: 'Key Vault Crypto Service Encryption User', assignee: names.identity,
  })
  await api('DELETE', `${vault}/keys/${names.gone}`).catch((error: unknown) => {
    if (!/: 404 /.test(String(error))) throw error
  })
  await make('/users', { name: names.user, password: newPassword(), assignments: [{ role: 'reader', scope: '/' }] })
  await make('/tokens', { name: 'dashboard', assignments: [{ role: 'reader', scope: '/' }] })
  await assessed()
}

/** Nobody knows it afterwards but who asked. */
export const newPassword = () => `${crypto.randomUUID()}-${crypto.randomUUID()}`
