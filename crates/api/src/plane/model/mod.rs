//! What the API takes and answers: snake_case JSON, times as RFC 3339, no secrets unless said.
//!
//! What the agents and the vault answer is carried whole: a field that `pgkeep server show -o
//! json` prints has its field here.

mod baseline;
mod encryption;
mod fixes;
mod home;
mod identity;
mod job;
mod keyvault;
mod logs;
mod meta;
mod networking;
mod parameter;
mod posture;
mod server;
mod vault;

#[cfg(test)]
mod tests;

pub use baseline::{
    BaselineAssessment, BaselineChange, BaselineCheck, BaselineDrift, BaselineEvidence,
    BaselineFeed, BaselineFinding, BaselineFix, BaselineOutcome, BaselineResult, BaselineWaived,
    BaselineWaiverSaid,
};
pub use encryption::{
    EncryptionEvent, EncryptionProof, EncryptionUpdate, KeyCheck, KeyFailure, KeyPolicyUpdate,
    KeyWatch, Rewrap,
};
pub use fixes::{
    BaselineFixChange, BaselineFixCreate, BaselineFixPlan, BaselineFixProof, BaselineFixRadius,
    BaselineFixRecord,
};
pub use home::{Attention, HomePage, NextAction, Severity, Tile, Verdict};
pub use identity::{Identity, IdentityCreate, IdentityEnv, IdentityUpdate};
pub use job::{Job, JobState};
pub use keyvault::{
    AuditRecord, DeletedKey, Key, KeyCreate, KeyUpdate, KeyVault, KeyVaultCreate, KeyVaultUpdate,
    RoleAssignment, RoleAssignmentCreate, RotationPolicy,
};
pub use logs::{
    Connector, LogsBegin, LogsCheck, LogsColumn, LogsDiagnostic, LogsEnd, LogsErase, LogsErased,
    LogsFurther, LogsIngestQuery, LogsIngested, LogsLine, LogsQuery, LogsRetention, LogsRun,
    LogsTable, LogsWorker, OtlpLogs, OtlpTaken, SavedQuery, SavedQueryUpdate,
};
pub use meta::{About, Answer, Ca, Health, Page, PlaneStatus, Status, StatusServer, StatusVault};
pub use networking::{
    Change, ClientCertificateRule, ClientCertificates, Networking, NetworkingPreview,
    NetworkingUpdate, Refusal, RefusalKind, Rule, RuleKind,
};
pub use parameter::{Parameter, ParameterChange, ParameterUpdate};
pub use posture::{
    Baseline, BaselineBrief, BaselineCreate, BaselineDeclaration, BaselineDriftQuery,
    BaselineHbaAnswer, BaselineHbaQuery, BaselineItem, BaselineQuery, BaselineRoleEdge,
    BaselineRoleGraph, BaselineRolePath, BaselineRoleStep, BaselineSchedule,
    BaselineScheduleUpdate, BaselineServer, BaselineWaiver, BaselineWaiverCreate,
};
pub use server::{
    Connection, DataEncryption, KeyPolicy, Recovery, Restarts, Server, ServerCreate, ServerEvent,
    Snippet, Storage, StorageStats, Tamper, TlsSettings, VerifyOptions,
};
pub use vault::{SealShares, Service, Unseal, Vault, VaultKey};
