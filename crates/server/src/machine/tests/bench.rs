//! A simulated agent with its home, and what tests do to it.

use std::sync::Arc;
use std::time::Duration;

use base::{Fault, ServerName, ServerState};
use serde_json::Value;

use super::sim::{Sim, World};
use super::vault::KEY;
use crate::customer::KeyReference;
use crate::handle::{Command, CreateSpec, CustomerKeySpec, Server};
use crate::layout::Layout;
use crate::record::ServerRecord;
use crate::status::{Show, ShownKey};

/// What a server with a key of its owner's is created from.
pub(super) fn spec(key_uri: &str) -> CreateSpec {
    let reference = KeyReference { key_uri: key_uri.to_owned(), identity: "hr".to_owned() };
    let customer_key = Some(CustomerKeySpec { reference, policy: None });
    CreateSpec { port: 5433, customer_key }
}

/// A server over simulated doors in a folder of its own.
pub(super) struct Bench {
    pub(super) world: Arc<World>,
    pub(super) server: Server,
    pub(super) layout: Layout,
    pub(super) machine: tokio::task::JoinHandle<()>,
    _home: Arc<tempfile::TempDir>,
}

impl Bench {
    /// A home without a server.
    pub(super) fn empty() -> Self {
        let home = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(home.path().join("servers")).unwrap();
        Self::on(home, World::new())
    }

    fn on(home: Arc<tempfile::TempDir>, world: Arc<World>) -> Self {
        let layout = Layout::new(home.path(), ServerName::new("demo").unwrap());
        let (server, machine) = Server::spawn(Sim(Arc::clone(&world)), layout.clone());
        Self { world, server, layout, machine, _home: home }
    }

    /// A server that is Ready.
    pub(super) async fn ready() -> Self {
        let bench = Self::empty();
        bench.run(Command::Create(CreateSpec { port: 5433, customer_key: None })).await.unwrap();
        bench.world.take_log();
        bench
    }

    /// A server that is Ready and whose owner holds the key, without a version in its address.
    pub(super) async fn with_key() -> Self {
        Self::with_key_at(KEY).await
    }

    /// The same with this address of the key.
    pub(super) async fn with_key_at(key_uri: &str) -> Self {
        let bench = Self::empty();
        bench.run(Command::Create(spec(key_uri))).await.unwrap();
        bench.until("usable", |_, key| key.health == crate::KeyHealth::Usable).await;
        bench.world.take_log();
        bench
    }

    /// The agent is told to end, and another one takes its place.
    pub(super) async fn again(self) -> Self {
        self.run(Command::Shutdown).await.unwrap();
        self.machine.await.unwrap();
        self.world.take_log();
        Self::on(self._home, self.world)
    }

    /// As [`Bench::again`], with another record in between.
    pub(super) async fn again_with(self, record: &ServerRecord) -> Self {
        self.again_writing(&serde_json::to_string(record).unwrap()).await
    }

    /// As [`Bench::again`], with this text as the record in between.
    pub(super) async fn again_writing(self, record: &str) -> Self {
        self.run(Command::Shutdown).await.unwrap();
        self.machine.await.unwrap();
        std::fs::write(self.layout.record(), record).unwrap();
        self.world.take_log();
        Self::on(self._home, self.world)
    }

    pub(super) async fn run(&self, command: Command) -> Result<Value, Fault> {
        self.server.run(command, Arc::new(|_| {})).await
    }

    /// State and reason, as `show` says them.
    pub(super) fn state(&self) -> (base::ServerState, String) {
        let state = self.server.show().unwrap().state;
        (state.state, state.reason)
    }

    pub(super) fn show(&self) -> Show {
        self.server.show().unwrap()
    }

    /// What is shown of the owner's key.
    pub(super) fn key(&self) -> ShownKey {
        self.show().data_encryption.customer.unwrap()
    }

    pub(super) fn record(&self) -> ServerRecord {
        ServerRecord::load(&self.layout.record()).unwrap().unwrap()
    }

    /// Waits until what is shown satisfies `wanted`; answers how long that took.
    pub(super) async fn until(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Show, &ShownKey) -> bool,
    ) -> Duration {
        let began = tokio::time::Instant::now();
        let seen = self.server.wait_for(|show| {
            show.data_encryption.customer.as_ref().is_some_and(|key| wanted(show, key))
        });
        let limit = Duration::from_secs(20_000);
        if tokio::time::timeout(limit, seen).await.is_err() {
            panic!("never seen: {what}; but {:#?}", self.server.show());
        }
        began.elapsed()
    }

    /// Waits for a state; answers its reason and how long it took.
    pub(super) async fn enters(&self, state: ServerState) -> (String, Duration) {
        let took = self.until(&state.to_string(), |show, _| show.state.state == state).await;
        (self.state().1, took)
    }

    /// The agent is killed: nothing is stopped in order, another one takes its place.
    pub(super) async fn killed(self) -> Self {
        self.machine.abort();
        // Cancelled, which is what was wanted.
        let _ = self.machine.await;
        self.world.forget_processes();
        self.world.take_log();
        Self::on(self._home, self.world)
    }

    pub(super) fn history(&self) -> String {
        std::fs::read_to_string(self.layout.history()).unwrap()
    }
}
