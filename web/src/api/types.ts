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

export interface Server {
  name: string
  state: string
  state_reason: string
  state_since: string
  port: number
  dsn?: string | null
  major_version?: number | null
  created_at?: string | null
  data_encryption?: Encryption | null
  storage?: Storage | null
  tls?: Tls | null
  restarts?: { n_restarts: number; last_at: string | null; last_cause: string | null } | null
  warnings?: string[] | null
  id?: string
  desired_state?: string
}

export interface KeyPolicy {
  check_interval_s: number
  grace_s: number
  call_timeout_s: number
  leeway_s: number
}

export interface KeyFailure {
  cause: string
  http_status?: number | null
  inner_code?: string | null
  message: string
}

export interface Encryption {
  mode: string
  key_uri: string
  key_version: string
  identity: string
  last_validated_at: string
  health?: string
  provider?: string
  algorithm?: string
  pinned?: boolean
  wrapped_at?: string
  key_expires_at?: string | null
  checked_at?: string | null
  next_check_at?: string | null
  grace_until?: string | null
  failure?: KeyFailure | null
  rewrap?: { to_version?: string | null; since: string; old_version_needed_until: string; failure?: KeyFailure | null } | null
  policy?: KeyPolicy
}

export interface EncryptionEvent {
  seq: number
  at: string
  kind: string
  [fact: string]: unknown
}

export interface KeyCheck {
  health: string
  failure?: KeyFailure | null
  checked_at?: string | null
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
  state: string
  state_reason: string
  state_since: string
}

export interface Snippet {
  id: string
  title: string
  language: string
  text: string
}

export interface ConnectInfo {
  dsn: string
  role: string
  host: string
  port: number
  ca_pem: string
  ca_file: string
  password_file?: string | null
  snippets: Snippet[]
}

export interface Proof {
  file: string
  mounted_file: string
  unit: number
  relation?: string | null
  looked_at: string
  on_disk_hex: string
  inside_hex?: string | null
  entropy_bits_per_byte: number
  inside_entropy_bits_per_byte: number
  explanation: string
}

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
