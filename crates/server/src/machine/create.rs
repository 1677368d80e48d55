//! A new server: folders, a data key that is never written in clear, mount, initdb, first start.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use base::{ExitCode, Fault, ServerState};
use crypto::DataKey;

use super::start::{KEY_DEADLINE, sentence};
use super::{Machine, within};
use crate::custody;
use crate::customer::KeyReference;
use crate::database::{Database, StopMode};
use crate::doors::{Doors, KeySource, Mount, Mounter, Progress};
use crate::handle::{CreateSpec, CustomerKeySpec};
use crate::record::{
    CustomerManaged, DataEncryption, DesiredState, EncryptionMode, FORMAT_VERSION, ServerRecord,
    TlsRecord, TlsSource,
};
use crate::{Error, durable, secrets};

impl<D: Doors> Machine<D> {
    /// Creates and starts the server. What a failed creation left is removed: it held nothing.
    pub(super) async fn create(
        &mut self,
        spec: &CreateSpec,
        progress: &Progress,
    ) -> Result<(), Fault> {
        match &self.record {
            Ok(Some(record)) if record.provisioned => {
                return Err(exists(self.layout.name().as_str()));
            }
            Ok(Some(_)) => self.discard(progress).await?,
            Ok(None) => {}
            Err(fault) => return Err(fault.clone()),
        }
        self.refuse_foreign_files()?;
        if let Some(wanted) = &spec.customer_key {
            wanted.reference.check()?;
            wanted.policy.map_or(Ok(()), |policy| policy.check())?;
        }
        let outcome = match self.provision(spec, progress).await {
            Ok(key) => {
                let alarm = self.custody.alarm();
                tokio::select! {
                    biased;
                    outcome = self.fill(key, progress) => outcome,
                    failure = alarm => Err(self.inaccessible(&failure).fault),
                }
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            tracing::warn!(%fault, detail = fault.detail, "creation failed");
            let _ = self.take_down(StopMode::Immediate, progress).await;
            if let Err(leftover) = self.discard(progress).await {
                self.enter(ServerState::Stopped, sentence(&leftover));
            }
            return Err(fault);
        }
        self.start_and_settle(progress).await
    }

    /// Folders, data key and record.
    async fn provision(
        &mut self,
        spec: &CreateSpec,
        progress: &Progress,
    ) -> Result<DataKey, Fault> {
        let postgres = self.doors.find_postgres().await?;
        self.make_folders()?;
        progress("making and wrapping the data key");
        let key = DataKey::generate(self.doors.random());
        let data_encryption = match &spec.customer_key {
            Some(wanted) => self.customer_encryption(wanted, &key).await?,
            None => self.system_encryption(&key).await?,
        };
        let now = self.now();
        let record = ServerRecord {
            format_version: FORMAT_VERSION,
            name: self.layout.name().clone(),
            id: secrets::identifier(self.doors.random()),
            provisioned: false,
            port: spec.port,
            created_at: now,
            postgres,
            data_encryption,
            desired_state: DesiredState::Running,
            tls: TlsRecord {
                source: TlsSource::Internal,
                host: "localhost".to_owned(),
                require_secure_transport: true,
                min_protocol_version: "TLSv1.2".to_owned(),
                fingerprint: None,
                not_before: None,
                not_after: None,
                reissue: false,
            },
            read_only_since: None,
            space_soft_limit_bytes: None,
        };
        record.save(&self.layout.record())?;
        self.record = Ok(Some(record));
        self.open_history();
        let swap = self.doors.host().swap_warnings();
        self.facts.warn("swap", swap);
        self.enter(ServerState::Provisioning, "");
        self.watch_key();
        Ok(key)
    }

    async fn system_encryption(&self, key: &DataKey) -> Result<DataEncryption, Fault> {
        let wrapped_key = within(KEY_DEADLINE, "the vault", self.doors.keys().wrap(key)).await?;
        Ok(DataEncryption {
            mode: EncryptionMode::SystemManaged,
            identity: self.doors.keys().identity(),
            wrapped_key,
            last_validated_at: self.now(),
            customer: None,
        })
    }

    async fn customer_encryption(
        &self,
        wanted: &CustomerKeySpec,
        key: &DataKey,
    ) -> Result<DataEncryption, Fault> {
        let policy = wanted.policy.unwrap_or_default();
        let wrapping = custody::establish(&*self.doors, &wanted.reference, &policy, key)
            .await
            .map_err(|failure| {
                let KeyReference { key_uri, identity } = &wanted.reference;
                failure.fault(&format!("identity \"{identity}\" cannot use the key {key_uri}"))
            })?;
        Ok(DataEncryption {
            mode: EncryptionMode::CustomerManaged,
            identity: wrapping.reference.identity,
            wrapped_key: wrapping.wrapped_key,
            last_validated_at: wrapping.wrapped_at,
            customer: Some(CustomerManaged {
                key_uri: wrapping.reference.key_uri,
                principal: wrapping.principal,
                provider: wrapping.provider,
                pinned: wrapping.pinned,
                canary: wrapping.canary,
                wrapped_at: wrapping.wrapped_at,
                candidate: None,
                policy,
                lost: None,
            }),
        })
    }

    /// Mount and initdb; the server is provisioned then, whatever the first start says.
    async fn fill(&mut self, key: DataKey, progress: &Progress) -> Result<(), Fault> {
        progress("mounting the encrypted storage");
        let mount = self.doors.mounter().mount(&self.layout, key, progress).await?;
        self.facts.device = Some(mount.device());
        self.mount = Some(mount);
        self.initialise(progress).await?;
        self.amend(|record| record.provisioned = true)
    }

    async fn initialise(&mut self, progress: &Progress) -> Result<(), Fault> {
        let record = self.record()?.clone();
        let database = self.doors.database(&record).await?;
        let password = secrets::password(self.doors.random());
        progress("initialising the database cluster");
        database.initialise(&password, progress).await?;
        let line = secrets::pgpass_line(&password);
        durable::replace(&self.layout.pgpass(), line.expose().as_bytes(), 0o600)?;
        self.database = Some(database);
        Ok(())
    }

    fn make_folders(&self) -> Result<(), Fault> {
        make_folder(&self.layout.dir())?;
        for dir in [self.layout.backing(), self.layout.mountpoint(), self.layout.socket_dir()] {
            make_folder(&dir)?;
        }
        Ok(durable::sync_parent(&self.layout.record())?)
    }

    /// A folder that holds something which is not of an unfinished creation is left alone.
    fn refuse_foreign_files(&self) -> Result<(), Fault> {
        let dir = self.layout.dir();
        let first = match std::fs::read_dir(&dir) {
            Ok(mut entries) => entries.next().and_then(Result::ok),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("read", dir)(e).into()),
        };
        let Some(entry) = first else { return Ok(()) };
        let message = format!("the folder \"{}\" is not empty", dir.display());
        Err(Fault::new("not_empty", message)
            .detail(format!("it holds \"{}\"", entry.file_name().to_string_lossy()))
            .hint("move it away, or give the server another name")
            .exit(ExitCode::Conflict))
    }
}

/// Makes a folder that only its owner enters; one that is there already gets that mode.
fn make_folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(path, mode).map_err(Error::io("set the mode of", path))
        }
        Err(e) => Err(Error::io("create", path)(e)),
    }
}

fn exists(name: &str) -> Fault {
    Fault::new("exists", format!("server \"{name}\" already exists"))
        .hint("give the new server another name")
        .exit(ExitCode::Conflict)
}
