// The API's shapes by the names that pages use. They come from ../docs/openapi.json (`npm run gen`).
import type { components } from './schema'

type Schemas = components['schemas']

export type ApiFault = Omit<Schemas['ErrorBody'], 'exit'> & { exit?: number }
export type Job = Schemas['Job']
export type Tls = Schemas['TlsSettings']
export type StateChange = Schemas['ServerEvent']
export type ConnectInfo = Schemas['Connection']
export type Snippet = Schemas['Snippet']
export type Proof = Schemas['EncryptionProof']
export type KeyCheck = Schemas['KeyCheck']
export type KeyFailure = Schemas['KeyFailure']
export type HomeDoc = Schemas['HomePage']
export type HomeTile = Schemas['Tile']
export type Attention = Schemas['Attention']
export type NextAction = Schemas['NextAction']
export type EncryptionUpdate = Schemas['EncryptionUpdate']
export type ServerCreate = Schemas['ServerCreate']

/** A key that pgkeep keeps is not watched: then all that a watch knows is absent. */
export type Encryption = Schemas['DataEncryption']
export type Server = Schemas['Server']

/** The journal says more than the document can: by kind, `from`, `to`, `failure`, `key_version`. */
export interface EncryptionEvent {
  seq: number
  at: string
  kind: string
  [fact: string]: unknown
}

export interface Paged<T> {
  items: T[]
  next: string | null
}

export type Assignment = Schemas['Assignment']
export type Session = Schemas['SessionView']
export type SignInWays = Schemas['SignInWays']

export type LogsColumn = Schemas['LogsColumn']
export type LogsDiagnostic = Schemas['LogsDiagnostic']
export type LogsCheck = Schemas['LogsCheck']
export type LogsTable = Schemas['LogsTable']
export type LogsBegin = Schemas['LogsBegin']
export type LogsEnd = Schemas['LogsEnd']
/** One line of an answer. Its error is the API's, whose exit code a page has no use for. */
export type LogsLine = Omit<Schemas['LogsLine'], 'error'> & { error?: ApiFault | null }
export type Connector = Schemas['Connector']
export type LogsWorker = Schemas['LogsWorker']
export type SavedQuery = Schemas['SavedQuery']

export type Posture = Schemas['Baseline']
export type PostureItem = Schemas['BaselineItem']
export type PostureServer = Schemas['BaselineServer']
export type PostureBrief = Schemas['BaselineBrief']
export type PostureResult = Schemas['BaselineResult']
export type PostureEvidence = Schemas['BaselineEvidence']
export type PostureFinding = Schemas['BaselineFinding']
export type PostureWaiver = Schemas['BaselineWaiver']
export type PostureDrift = Schemas['BaselineDrift']
export type PostureChange = Schemas['BaselineChange']
export type PostureSchedule = Schemas['BaselineSchedule']
export type RoleGraph = Schemas['BaselineRoleGraph']
export type RoleEdge = Schemas['BaselineRoleEdge']
export type RolePath = Schemas['BaselineRolePath']
export type HbaAnswer = Schemas['BaselineHbaAnswer']
export type FixPlan = Schemas['BaselineFixPlan']
export type FixChange = Schemas['BaselineFixChange']
export type FixRecord = Schemas['BaselineFixRecord']
