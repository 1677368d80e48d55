//! How the processes of one home talk: unix sockets, one request a connection, JSON lines.
//!
//! Request `{"op":"…","args":{…}}`; answer: any number of `{"progress":{"message":"…"}}`, then one
//! `{"ok":…}` or `{"error":{…}}`. An empty progress message is a heartbeat: it says that the other
//! side still works. A line has at most 1 MiB. Who calls is read from the socket, never from the
//! request. A request with `"attached":N` is followed by N bytes; only the sockets of the plane and
//! of agents take any. An answer `{"attached":{"ok":…,"bytes":N}}` is followed by N bytes; only
//! the baseline's give any.
//!
//! Operations and their arguments (answers in brackets):
//!
//! | socket | op | args → answer |
//! |---|---|---|
//! | vault | `status` | → `{state, reason, seal, shares, warnings, key, https, identity}` |
//! | vault | `key-create` | `{server, uid}` → `{key_id, key_version, changed}`; binds name to uid |
//! | vault | `wrap` | `{server, plaintext}` → `{wrapped, key_id, key_version, algorithm}` |
//! | vault | `unwrap` | `{server, wrapped, key_version?}` → `{plaintext}` |
//! | vault | `certificate-sign` | `{server \| service, csr}` → `{chain, ca, not_after, left_out}` |
//! | vault | `ca` | → `{pem}` |
//! | vault | `release` | `{server}` → `{changed}`; the server's identity is forgotten |
//! | vault | `seal`, `unseal` | → `{state, changed}` |
//! | vault | `key-events` | `{since, timeout ≤ 20 s}` → `{generation}` once it is not `since` |
//! | vault | `identity-find` | `{identity}` → `{name, client_id, object_id, resource, socket}` |
//! | vault | `token` | `{identity, resource}` → `{access_token, expires_on, resource, client_id}` |
//! | vault | `keyvault-…`, `key`, `role-assignment-…`, `identity-…` | see `vaultd::admin` |
//! | vault | `audit-list`, `audit-read`, `vault-rekey` | see `vaultd::admin` |
//! | plane | `ship`, `sample` | see `plane::answers`; an agent may ask for these only |
//! | agent | `create` | `{port, key?, identity?, policy?}` → what `show` answers |
//! | agent | `key-change` | `{key?, identity?, policy?}` → what `show` answers |
//! | agent | `key-check` | → `{health, failure, checked_at}`, looked at now |
//! | agent | `history` | `{kinds?, limit?}` → transitions and what caused them |
//! | agent | `show`, `start`, `stop`, `restart` | → what `show` answers |
//! | agent | `delete` | → `{changed}`; the folder is gone, the agent may be stopped |
//! | agent | `parameter-list`, `parameter-show {name}`, `parameter-set {name, value}` | |
//! | agent | `parameter-try {name, value?}`, `parameter-reset {name}` | |
//! | agent | `networking-show`, `networking-preview`, `networking-set` | see `agent::handler` |
//! | agent | `storage-proof` | → one piece as on the disk, and as PostgreSQL sees it |
//! | agent | `baseline-collect {checks, asked}`, with a declaration | → `{hash}`, with the bundle |
//! | agent | `baseline-fix-plan`, `-apply`, `-undo`, `-prove` | see `agent::assess` |
//! | agent | `baseline-fixes` | the records of fixes |
//! | agent | `certificate-rotate`, `storage-verify {stop?}`, `shutdown` | |
//! | supervisor | `status`, `down`, `agent-start {name}`, `agent-stop {name}` | |
//! | supervisor | `agent-forget {name}` | → `{changed}`; ends the agent, removes its empty folder |
//! | supervisor | `adopt-pgpass {name}` | → `{changed}`; the password file becomes the starter's |
//! | supervisor | `tune {name, device}` | → `{settings: […]}`; an agent may ask for its mount |
//!
//! What the plane asks of the vault for one of its users carries `acting`, that user's name; see
//! `vaultd::admin` for what it may ask then.
//!
//! Keys are base64 (standard alphabet, padded), certificates and requests PEM.

mod client;
mod line;
mod listen;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use client::{call, call_for_bytes, call_with, call_within};
pub(crate) use listen::{bind, inherited_as_output, listen};
pub(crate) use server::{Progress, Reply, Request, answer_on, serve, serve_with};
pub(crate) use wire::{read_answer, scrub};

use std::time::Duration;

/// No line is longer.
pub(crate) const LINE_MAX_BYTES: usize = 1 << 20;
/// No socket answers more callers at once; further ones wait in the backlog.
const CONNECTIONS_MAX: usize = 640;
/// No call to the plane brings more bytes beside its line.
pub(crate) const ATTACHED_MAX_BYTES: usize = 2 << 20;
/// No answer has more bytes beside its line.
pub(crate) const ANSWER_MAX_BYTES: usize = 64 << 20;
/// So many bytes of an answer go or come within one deadline.
const PIECE_BYTES: usize = 256 << 10;
/// So many callers bring bytes at once.
const ATTACHMENTS_MAX: usize = 64;
/// A caller has so long to send its request.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
/// A working server says so at least this often.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A caller gives up when it hears nothing for so long.
const SILENCE_MAX: Duration = Duration::from_secs(30);
