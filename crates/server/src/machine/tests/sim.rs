//! Simulated doors: a vault, a mount and a PostgreSQL that do what the test says.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{Changed, Clock, Fault, Random, Secret};
use cryptfs::check::Report;
use crypto::DataKey;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::vault::Vault;
use crate::certificate::{Presented, Validity};
use crate::database::{Database, StopMode, TlsSettings};
use crate::doors::{
    CertificateAuthority, Doors, Host, KeySource, Mount, MountEvent, Mounter, Progress, Signed,
    Space,
};
use crate::layout::Layout;
use crate::record::{Postgres, ServerRecord, WrappedKey};

const GIB: u64 = 1 << 30;
const DAY: Duration = Duration::from_secs(86_400);

/// What the test decides and what it sees.
pub(super) struct World {
    began: Instant,
    epoch: Timestamp,
    /// Steps that fail, by name, with their fault.
    pub(super) failing: Mutex<Vec<(&'static str, Fault)>>,
    /// What was done, in order.
    pub(super) log: Mutex<Vec<String>>,
    pub(super) free_bytes: Mutex<u64>,
    /// Starts of PostgreSQL take so long.
    pub(super) start_takes: Mutex<Duration>,
    pub(super) report: Mutex<Report>,
    mounted: Mutex<Option<mpsc::UnboundedSender<MountEvent>>>,
    fs_dead: Mutex<bool>,
    postgres: watch::Sender<Option<String>>,
    certificate: Mutex<Option<Validity>>,
    /// The vault of the owner.
    pub(super) vault: Vault,
    /// How far the machine's clock was set forward or back, in seconds.
    pub(super) clock_set_s: Mutex<i64>,
    /// The key that the storage was made with.
    storage_key: Mutex<Option<[u8; 32]>>,
    n_fills: Mutex<usize>,
    /// Steps that never end.
    pub(super) hanging: Mutex<Vec<&'static str>>,
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            epoch: "2026-11-21T10:00:00Z".parse().unwrap(),
            failing: Mutex::default(),
            log: Mutex::default(),
            free_bytes: Mutex::new(500 * GIB),
            start_takes: Mutex::default(),
            report: Mutex::default(),
            mounted: Mutex::default(),
            fs_dead: Mutex::default(),
            postgres: watch::Sender::new(Some("never started".to_owned())),
            certificate: Mutex::default(),
            vault: Vault::default(),
            clock_set_s: Mutex::default(),
            storage_key: Mutex::default(),
            n_fills: Mutex::default(),
            hanging: Mutex::default(),
        })
    }

    /// Waits for ever when the test wants this step to hang.
    async fn maybe_hang(&self, name: &'static str) {
        if self.hanging.lock().unwrap().contains(&name) {
            self.did(name);
            std::future::pending::<()>().await;
        }
    }

    /// The time without what the machine's clock was set by.
    pub(super) fn true_time(&self) -> Timestamp {
        self.epoch + SignedDuration::try_from(self.began.elapsed()).unwrap()
    }

    fn did(&self, what: &str) {
        self.log.lock().unwrap().push(what.to_owned());
    }

    fn step(&self, name: &str) -> Result<(), Fault> {
        self.did(name);
        let failing = self.failing.lock().unwrap();
        match failing.iter().find(|(step, _)| *step == name) {
            Some((_, fault)) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    /// Makes `step` fail from now on.
    pub(super) fn fail(&self, step: &'static str, code: &str) {
        let fault = Fault::new(code, format!("{step} failed")).detail(format!("as {code}"));
        self.failing.lock().unwrap().push((step, fault));
    }

    /// Lets everything work again.
    pub(super) fn heal(&self) {
        self.failing.lock().unwrap().clear();
    }

    /// What was done since the last call.
    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// Something that the file system reports.
    pub(super) fn report_event(&self, event: cryptfs::Event) {
        let mounted = self.mounted.lock().unwrap();
        mounted.as_ref().unwrap().send(MountEvent::Reported(event)).unwrap();
    }

    /// Kills the file system's process.
    pub(super) fn kill_fs(&self) {
        *self.fs_dead.lock().unwrap() = true;
        let mounted = self.mounted.lock().unwrap();
        mounted.as_ref().unwrap().send(MountEvent::Died("signal 9".to_owned())).unwrap();
    }

    /// Kills the postmaster.
    pub(super) fn kill_postgres(&self) {
        self.postgres.send_replace(Some("signal 9".to_owned()));
    }

    /// What the next agent finds after it has cleared the leftovers of one that was killed.
    pub(super) fn forget_processes(&self) {
        self.mounted.lock().unwrap().take();
        self.postgres.send_replace(Some("ended by the next agent".to_owned()));
    }

    pub(super) fn is_mounted(&self) -> bool {
        self.mounted.lock().unwrap().is_some()
    }

    pub(super) fn is_running(&self) -> bool {
        self.postgres.borrow().is_none()
    }
}

/// The doors of one simulated agent.
#[derive(Clone)]
pub(super) struct Sim(pub(super) Arc<World>);

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        self.0.true_time() + SignedDuration::from_secs(*self.0.clock_set_s.lock().unwrap())
    }
}

impl Random for Sim {
    fn fill(&self, out: &mut [u8]) {
        // Never the same twice, so that no value passes for another one.
        let mut n_fills = self.0.n_fills.lock().unwrap();
        *n_fills += 1;
        let byte = |i: usize| u8::try_from((i + 7 * *n_fills) % 251).unwrap();
        out.iter_mut().enumerate().for_each(|(i, out)| *out = byte(i));
    }
}

impl Host for Sim {
    fn space(&self, _path: &Path) -> Result<Space, Fault> {
        let free_bytes = *self.0.free_bytes.lock().unwrap();
        Ok(Space { size_bytes: 1000 * GIB, free_bytes })
    }

    fn swap_warnings(&self) -> Vec<String> {
        Vec::new()
    }

    fn hostname(&self) -> Option<String> {
        Some("db-1".to_owned())
    }
}

impl Doors for Sim {
    type Keys = Self;
    type CustomerKeys = Self;
    type Authority = Self;
    type Mounter = Self;
    type Database = Self;

    fn keys(&self) -> &Self {
        self
    }

    fn customer_keys(&self) -> &Self {
        self
    }

    fn authority(&self) -> &Self {
        self
    }

    fn mounter(&self) -> &Self {
        self
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn random(&self) -> &dyn Random {
        self
    }

    fn host(&self) -> &dyn Host {
        self
    }

    async fn find_postgres(&self) -> Result<Postgres, Fault> {
        self.0.step("find")?;
        Ok(Postgres { bin_dir: "/usr/lib/postgresql/15/bin".into(), major: 15 })
    }

    async fn database(&self, _record: &ServerRecord) -> Result<Self, Fault> {
        Ok(self.clone())
    }
}

impl KeySource for Sim {
    fn identity(&self) -> String {
        "demo".to_owned()
    }

    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, Fault> {
        self.0.step("wrap")?;
        let value: String = key.expose().iter().map(|b| format!("{:02x}", b ^ 0xff)).collect();
        Ok(WrappedKey {
            key_id: "service".to_owned(),
            key_version: "1".to_owned(),
            algorithm: "RSA-OAEP-256".to_owned(),
            value,
        })
    }

    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, Fault> {
        self.0.step("unwrap")?;
        let mut key = [0; 32];
        hex::decode_to_slice(&wrapped.value, &mut key).unwrap();
        key.iter_mut().for_each(|byte| *byte ^= 0xff);
        Ok(DataKey::take(&mut key))
    }
}

impl CertificateAuthority for Sim {
    async fn sign(&self, csr_pem: &str) -> Result<Signed, Fault> {
        self.0.step("sign")?;
        assert!(csr_pem.contains("CERTIFICATE REQUEST"));
        Ok(Signed { chain_pem: "chain".to_owned(), ca_pem: "ca".to_owned() })
    }

    async fn certificate(&self) -> Result<String, Fault> {
        Ok("ca".to_owned())
    }
}

impl Mounter for Sim {
    type Mount = SimMount;

    async fn clear_leftovers(
        &self,
        _layout: &Layout,
        _progress: &Progress,
    ) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    async fn mount(
        &self,
        layout: &Layout,
        key: DataKey,
        _progress: &Progress,
    ) -> Result<SimMount, Fault> {
        self.0.maybe_hang("mount").await;
        self.0.step("mount")?;
        let made_with = *self.0.storage_key.lock().unwrap();
        match made_with.filter(|_| layout.backing().join("store").exists()) {
            Some(made_with) if made_with != *key.expose() => {
                return Err(Fault::new("wrong_key", "the key does not open the store"));
            }
            _ => *self.0.storage_key.lock().unwrap() = Some(*key.expose()),
        }
        std::fs::write(layout.backing().join("store"), "").unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        *self.0.mounted.lock().unwrap() = Some(sender);
        *self.0.fs_dead.lock().unwrap() = false;
        Ok(SimMount { world: Arc::clone(&self.0), events })
    }

    fn is_mounted(&self, _layout: &Layout) -> Result<bool, Fault> {
        Ok(self.0.is_mounted())
    }

    async fn check(
        &self,
        _layout: &Layout,
        _key: DataKey,
        _progress: &Progress,
    ) -> Result<Report, Fault> {
        self.0.step("check")?;
        assert!(!self.0.is_mounted(), "the storage is checked while mounted");
        self.0.maybe_hang("check").await;
        Ok(self.0.report.lock().unwrap().clone())
    }
}

pub(super) struct SimMount {
    world: Arc<World>,
    events: mpsc::UnboundedReceiver<MountEvent>,
}

impl Mount for SimMount {
    fn device(&self) -> String {
        "0:77".to_owned()
    }

    async fn next_event(&mut self) -> MountEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    fn is_alive(&mut self) -> bool {
        !*self.world.fs_dead.lock().unwrap()
    }

    async fn stats(&self) -> Option<cryptfs::Stats> {
        Some(cryptfs::Stats::default())
    }

    async fn unmount(&mut self, _deadline: Duration) -> Result<(), Fault> {
        assert!(!self.world.is_running(), "unmounted under a running PostgreSQL");
        self.world.maybe_hang("unmount").await;
        self.world.step("unmount")?;
        *self.world.mounted.lock().unwrap() = None;
        Ok(())
    }

    async fn kill(&mut self) -> Result<(), Fault> {
        self.world.maybe_hang("kill").await;
        self.world.step("kill")?;
        *self.world.mounted.lock().unwrap() = None;
        Ok(())
    }
}

impl Database for Sim {
    async fn initialise(
        &self,
        password: &Secret<String>,
        _progress: &Progress,
    ) -> Result<(), Fault> {
        assert!(self.0.is_mounted() && password.expose().len() == 32);
        self.0.maybe_hang("initdb").await;
        self.0.step("initdb")
    }

    fn installed_certificate(&self) -> Result<Option<Validity>, Fault> {
        Ok(*self.0.certificate.lock().unwrap())
    }

    async fn install_certificate(
        &self,
        _chain_pem: &str,
        _key_pem: &Secret<String>,
        _ca_pem: &str,
        _host: &str,
    ) -> Result<(), Fault> {
        self.0.step("install")?;
        let not_before = self.now();
        let not_after = not_before + SignedDuration::try_from(90 * DAY).unwrap();
        *self.0.certificate.lock().unwrap() = Some(Validity { not_before, not_after });
        Ok(())
    }

    async fn start(&self, _progress: &Progress) -> Result<(), Fault> {
        let takes = *self.0.start_takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        self.0.step("start")?;
        assert!(self.0.is_mounted(), "started without a mount");
        self.0.postgres.send_replace(None);
        Ok(())
    }

    async fn stop(&self, mode: StopMode, _deadline: Duration) -> Result<(), Fault> {
        let step = match mode {
            StopMode::Fast => "stop fast",
            StopMode::Immediate => "stop immediate",
            StopMode::Kill => "stop kill",
        };
        self.0.maybe_hang(step).await;
        self.0.step(step)?;
        self.0.postgres.send_replace(Some("stopped".to_owned()));
        Ok(())
    }

    async fn ended(&self) -> String {
        let mut postgres = self.0.postgres.subscribe();
        let how = postgres.wait_for(Option::is_some).await.unwrap();
        how.clone().unwrap()
    }

    async fn presented(&self, ca_pem: &str, host: &str) -> Result<Presented, Fault> {
        self.0.step("probe")?;
        assert_eq!((ca_pem, host), ("ca", "localhost"));
        let not_after = self.0.certificate.lock().unwrap().unwrap().not_after;
        Ok(Presented {
            fingerprint: not_after.to_string(),
            not_after,
            protocol: "TLSv1.3".to_owned(),
        })
    }

    async fn police(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    async fn read_only(&self, on: bool) -> Result<(), Fault> {
        self.0.step(if on { "read-only" } else { "writable" })
    }

    async fn tls_settings(&self) -> Result<TlsSettings, Fault> {
        Ok(TlsSettings {
            require_secure_transport: true,
            min_protocol_version: "TLSv1.2".to_owned(),
        })
    }

    async fn client_certificates(
        &self,
        wanted: Option<pg::ClientCertificates>,
    ) -> Result<Changed, Fault> {
        self.0.step("client certificates")?;
        Ok(if wanted.is_some() { Changed::Changed } else { Changed::Unchanged })
    }

    async fn parameters(&self) -> Result<Value, Fault> {
        Ok(json!([]))
    }

    async fn parameter(&self, name: &str) -> Result<Value, Fault> {
        Ok(json!({ "name": name }))
    }

    async fn set_parameter(&self, name: &str, value: Option<&str>) -> Result<Value, Fault> {
        self.0.maybe_hang("set parameter").await;
        Ok(json!({ "name": name, "value": value }))
    }

    async fn try_parameter(&self, name: &str, value: Option<&str>) -> Result<Value, Fault> {
        Ok(json!({ "name": name, "value": value }))
    }

    async fn networking(&self) -> Result<pg::Networking, Fault> {
        Err(Fault::new("simulated", "there is no networking here"))
    }

    async fn preview_networking(&self, _: &pg::NetworkingChange) -> Result<Value, Fault> {
        Ok(json!({}))
    }

    async fn set_networking(
        &self,
        _: &pg::NetworkingChange,
    ) -> Result<pg::NetworkingOutcome, Fault> {
        Err(Fault::new("simulated", "there is no networking here"))
    }

    async fn harmless_relation(&self) -> Result<(String, String), Fault> {
        Ok(("pg_am".to_owned(), "base/5/2601".to_owned()))
    }
}
