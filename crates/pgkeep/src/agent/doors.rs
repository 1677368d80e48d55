//! What the state machine needs from outside, as this installation provides it.

use std::path::PathBuf;

use base::{Clock, Fault, Random, ServerName, SystemClock};
use crypto::OsRandom;
use server::{Doors, Host, Layout, PgDatabase, Postgres, ServerRecord, SystemHost};

use super::customer::OwnersKeys;
use super::mounter::ServeMounter;
use super::vault::VaultClient;
use crate::home::Home;

/// Names the folder of PostgreSQL's programs.
const BINDIR_VAR: &str = "PGKEEP_PG_BINDIR";

/// The doors of one agent.
pub(super) struct AgentDoors {
    layout: Layout,
    vault: VaultClient,
    owners_keys: OwnersKeys,
    mounter: ServeMounter,
    bin_dir: Option<PathBuf>,
}

impl AgentDoors {
    pub(super) fn new(home: &Home, name: &ServerName) -> Self {
        Self {
            layout: Layout::new(home.root(), name.clone()),
            vault: VaultClient::new(home.socket("vault"), name.clone()),
            owners_keys: OwnersKeys::new(home),
            mounter: ServeMounter::new(home.socket("supervisor")),
            bin_dir: std::env::var_os(BINDIR_VAR).filter(|v| !v.is_empty()).map(PathBuf::from),
        }
    }
}

impl Doors for AgentDoors {
    type Keys = VaultClient;
    type CustomerKeys = OwnersKeys;
    type Authority = VaultClient;
    type Mounter = ServeMounter;
    type Database = PgDatabase;

    fn keys(&self) -> &VaultClient {
        &self.vault
    }

    fn customer_keys(&self) -> &OwnersKeys {
        &self.owners_keys
    }

    fn authority(&self) -> &VaultClient {
        &self.vault
    }

    fn mounter(&self) -> &ServeMounter {
        &self.mounter
    }

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    fn random(&self) -> &dyn Random {
        &OsRandom
    }

    fn host(&self) -> &dyn Host {
        &SystemHost
    }

    async fn find_postgres(&self) -> Result<Postgres, Fault> {
        PgDatabase::find(self.bin_dir.as_deref()).await
    }

    async fn database(&self, record: &ServerRecord) -> Result<PgDatabase, Fault> {
        PgDatabase::open(&self.layout, record, Vec::new()).await
    }
}
