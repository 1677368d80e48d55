// The API's shapes as the portal uses them.

export interface ApiFault {
  code: string
  message: string
  detail?: string | null
  hint?: string | null
  request_id?: string | null
  exit?: number
}

export interface Paged<T> {
  items: T[]
  next: string | null
}

export interface Assignment {
  role: string
  scope: string
}

export interface Session {
  name: string
  kind: 'user' | 'token' | 'local' | 'oidc'
  assignments: Assignment[]
  expires_at?: string | null
}

export interface SignInWays {
  password: boolean
  oidc: { title: string; start: string }[]
}

export interface Job {
  id: string
  kind: string
  target: string
  state: 'running' | 'succeeded' | 'failed'
  progress: string[]
  started_at: string
  finished_at?: string | null
  started_by?: string | null
  error?: ApiFault | null
  result?: unknown
}

export type ServerState =
  | 'Provisioning' | 'Starting' | 'Ready' | 'Stopping' | 'Stopped' | 'Restarting'
  | 'Updating' | 'Inaccessible' | 'Dropping' | 'Disabled'

export interface Server {
  name: string
  state: ServerState
  state_reason: string | null
  state_since: string
  port: number
  dsn?: string | null
  major_version?: number | null
  created_at?: string | null
  data_encryption?: Encryption | null
  storage?: Storage | null
  tls?: Tls | null
  restarts?: { n_restarts: number; last_at: string | null; last_cause: string | null } | null
  warnings?: (string | { at?: string; message: string })[] | null
}

export interface Encryption {
  mode: 'SystemManaged' | 'CustomerManaged'
  key_uri: string
  key_version: string
  identity: string
  last_validated_at: string
  [more: string]: unknown
}

export interface Storage {
  engine: string
  backing_dir: string
  mount_dir: string
  mounted?: boolean
  size_bytes?: number | null
  free_bytes?: number | null
  n_tampers?: number
  read_only_since?: string | null
  [more: string]: unknown
}

export interface Tls {
  require_secure_transport: boolean
  min_protocol_version: string
  source?: string
  fingerprint?: string | null
  not_after?: string | null
  renew_at?: string | null
}

export interface StateChange {
  at?: string
  state?: string
  state_reason?: string | null
  state_since?: string
  reason?: string | null
  event?: string
  message?: string
  [more: string]: unknown
}

export interface Snippet {
  id: string
  title: string
  language: string
  text: string
}

export interface ConnectInfo {
  dsn: string
  ca_pem: string
  snippets: Snippet[]
}

export interface Proof {
  file: string
  unit: number
  relation: string
  looked_at: string
  on_disk_hex: string
  inside_hex: string
  entropy_bits_per_byte: number
  explanation: string
}

export type VerdictWord = 'pass' | 'warn' | 'fail' | 'cannot-tell' | 'not-applicable'

export interface HomeTile {
  id: string
  title: string
  verdict: string
  summary: string
  looked_at: string
  rule: string
  link: string
}

export interface Attention {
  severity: string
  title: string
  detail: string
  link: string
  cli?: string | null
}

export interface NextAction {
  title: string
  why: string
  link: string
  cli?: string | null
}

export interface HomeDoc {
  tiles: HomeTile[]
  attention: Attention[]
  actions: NextAction[]
}
