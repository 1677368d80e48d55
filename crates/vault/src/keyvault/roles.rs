//! Azure's data-plane roles: what each allows, and who holds it where.

use serde::{Deserialize, Serialize};

/// What a role may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    Create,
    Import,
    Update,
    Delete,
    Recover,
    Purge,
    Backup,
    Restore,
    Encrypt,
    Decrypt,
    Wrap,
    Unwrap,
    Sign,
    Verify,
    Rotate,
    PolicyRead,
    PolicyWrite,
    Random,
}

impl Action {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 19] = [
        Self::Read,
        Self::Create,
        Self::Import,
        Self::Update,
        Self::Delete,
        Self::Recover,
        Self::Purge,
        Self::Backup,
        Self::Restore,
        Self::Encrypt,
        Self::Decrypt,
        Self::Wrap,
        Self::Unwrap,
        Self::Sign,
        Self::Verify,
        Self::Rotate,
        Self::PolicyRead,
        Self::PolicyWrite,
        Self::Random,
    ];

    /// Whether it manages keys without using them or carrying them in or out: what the plane may
    /// do for its users.
    pub(crate) fn is_administrative(self) -> bool {
        match self {
            Self::Read
            | Self::Create
            | Self::Update
            | Self::Delete
            | Self::Recover
            | Self::Purge
            | Self::Rotate
            | Self::PolicyRead
            | Self::PolicyWrite => true,
            Self::Import
            | Self::Backup
            | Self::Restore
            | Self::Encrypt
            | Self::Decrypt
            | Self::Wrap
            | Self::Unwrap
            | Self::Sign
            | Self::Verify
            | Self::Random => false,
        }
    }

    /// Azure's name of the data action.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "Microsoft.KeyVault/vaults/keys/read",
            Self::Create => "Microsoft.KeyVault/vaults/keys/create/action",
            Self::Import => "Microsoft.KeyVault/vaults/keys/import/action",
            Self::Update => "Microsoft.KeyVault/vaults/keys/update/action",
            Self::Delete => "Microsoft.KeyVault/vaults/keys/delete",
            Self::Recover => "Microsoft.KeyVault/vaults/keys/recover/action",
            Self::Purge => "Microsoft.KeyVault/vaults/keys/purge/action",
            Self::Backup => "Microsoft.KeyVault/vaults/keys/backup/action",
            Self::Restore => "Microsoft.KeyVault/vaults/keys/restore/action",
            Self::Encrypt => "Microsoft.KeyVault/vaults/keys/encrypt/action",
            Self::Decrypt => "Microsoft.KeyVault/vaults/keys/decrypt/action",
            Self::Wrap => "Microsoft.KeyVault/vaults/keys/wrap/action",
            Self::Unwrap => "Microsoft.KeyVault/vaults/keys/unwrap/action",
            Self::Sign => "Microsoft.KeyVault/vaults/keys/sign/action",
            Self::Verify => "Microsoft.KeyVault/vaults/keys/verify/action",
            Self::Rotate => "Microsoft.KeyVault/vaults/keys/rotate/action",
            Self::PolicyRead => "Microsoft.KeyVault/vaults/keyrotationpolicies/read",
            Self::PolicyWrite => "Microsoft.KeyVault/vaults/keyrotationpolicies/write",
            Self::Random => "Microsoft.KeyVault/vaults/rng/action",
        }
    }
}

/// A role of Azure Key Vault, with Azure's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is named as Azure names it")]
pub enum Role {
    #[serde(rename = "00482a5a-887f-4fb3-b363-3b7fe8e74483")]
    Administrator,
    #[serde(rename = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603")]
    CryptoOfficer,
    #[serde(rename = "12338af0-0e69-4776-bea7-57ae8d297424")]
    CryptoUser,
    #[serde(rename = "e147488a-f6f5-4113-8e2d-b22465e65bf6")]
    CryptoServiceEncryptionUser,
    #[serde(rename = "08bbd89e-9f13-488c-ac41-acfcb10c90ab")]
    CryptoServiceReleaseUser,
    #[serde(rename = "21090545-7ca7-4776-b22c-e363652d74d2")]
    Reader,
    #[serde(rename = "a68e7c17-0ab2-4c09-9a58-125dae29748c")]
    PurgeOperator,
    #[serde(rename = "8b54135c-b56d-4d72-a534-26097cfdc8d8")]
    DataAccessAdministrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Administrator,
        Self::CryptoOfficer,
        Self::CryptoUser,
        Self::CryptoServiceEncryptionUser,
        Self::CryptoServiceReleaseUser,
        Self::Reader,
        Self::PurgeOperator,
        Self::DataAccessAdministrator,
    ];

    /// Azure's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Administrator => "00482a5a-887f-4fb3-b363-3b7fe8e74483",
            Self::CryptoOfficer => "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
            Self::CryptoUser => "12338af0-0e69-4776-bea7-57ae8d297424",
            Self::CryptoServiceEncryptionUser => "e147488a-f6f5-4113-8e2d-b22465e65bf6",
            Self::CryptoServiceReleaseUser => "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
            Self::Reader => "21090545-7ca7-4776-b22c-e363652d74d2",
            Self::PurgeOperator => "a68e7c17-0ab2-4c09-9a58-125dae29748c",
            Self::DataAccessAdministrator => "8b54135c-b56d-4d72-a534-26097cfdc8d8",
        }
    }

    /// Azure's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "Key Vault Administrator",
            Self::CryptoOfficer => "Key Vault Crypto Officer",
            Self::CryptoUser => "Key Vault Crypto User",
            Self::CryptoServiceEncryptionUser => "Key Vault Crypto Service Encryption User",
            Self::CryptoServiceReleaseUser => "Key Vault Crypto Service Release User",
            Self::Reader => "Key Vault Reader",
            Self::PurgeOperator => "Key Vault Purge Operator",
            Self::DataAccessAdministrator => "Key Vault Data Access Administrator",
        }
    }

    /// Finds a role by its name or id, whatever the case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| {
            role.name().eq_ignore_ascii_case(text) || role.id().eq_ignore_ascii_case(text)
        })
    }

    /// Whether the role allows `action` where it is held. What is not said is denied; the last
    /// three roles say nothing about keys (purging vaults and assigning roles are local here).
    pub(crate) fn allows(self, action: Action) -> bool {
        match self {
            Self::Administrator | Self::CryptoOfficer => true,
            Self::CryptoUser => matches!(
                action,
                Action::Read
                    | Action::Update
                    | Action::Backup
                    | Action::Encrypt
                    | Action::Decrypt
                    | Action::Wrap
                    | Action::Unwrap
                    | Action::Sign
                    | Action::Verify
            ),
            Self::CryptoServiceEncryptionUser => {
                matches!(action, Action::Read | Action::Wrap | Action::Unwrap)
            }
            Self::Reader => matches!(action, Action::Read | Action::PolicyRead),
            Self::CryptoServiceReleaseUser
            | Self::PurgeOperator
            | Self::DataAccessAdministrator => false,
        }
    }
}

/// Who holds which role where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// A UUID.
    pub id: String,
    /// The vault.
    pub vault: String,
    /// The key, in lower case; `None` means the whole vault.
    pub key: Option<String>,
    /// The role.
    pub role: Role,
    /// Object id of the identity that holds it.
    pub object_id: String,
    /// Name of that identity when it was assigned.
    pub assignee: String,
    /// Unix seconds.
    pub created: i64,
}

impl RoleAssignment {
    /// Whether it allows `action` on `key` of `vault`; `None` means the vault as a whole.
    pub(crate) fn allows(&self, action: Action, vault: &str, key: Option<&str>) -> bool {
        let in_scope = self.vault == vault
            && match (&self.key, key) {
                (None, _) => true,
                (Some(scope), Some(key)) => scope == key,
                (Some(_), None) => false,
            };
        in_scope && self.role.allows(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_by_name_and_id() {
        for role in Role::ALL {
            assert_eq!(Role::parse(&role.name().to_uppercase()), Some(role));
            assert_eq!(Role::parse(role.id()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.id());
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn what_each_role_allows() {
        let allowed = |role: Role| {
            let n = Action::ALL.into_iter().filter(|action| role.allows(*action)).count();
            (role, n)
        };
        assert_eq!(
            Role::ALL.map(allowed),
            [
                (Role::Administrator, 19),
                (Role::CryptoOfficer, 19),
                (Role::CryptoUser, 9),
                (Role::CryptoServiceEncryptionUser, 3),
                (Role::CryptoServiceReleaseUser, 0),
                (Role::Reader, 2),
                (Role::PurgeOperator, 0),
                (Role::DataAccessAdministrator, 0),
            ]
        );
        assert!(!Role::CryptoServiceEncryptionUser.allows(Action::Decrypt));
        assert!(!Role::CryptoUser.allows(Action::Purge));
    }
}
