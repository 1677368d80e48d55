//! The offline verification of a server's storage.

use base::{ExitCode, Fault, ServerState};
use serde_json::{Value, json};

use super::Machine;
use super::start::sentence;
use crate::doors::{Doors, Mounter, Progress};
use crate::history::Event;
use crate::record::DesiredState;
use crate::status::Tamper;

impl<D: Doors> Machine<D> {
    /// Reads every unit of a stopped storage. A running server is refused, or stopped for it
    /// when `stop` says so: reading beside the running file system would report races as tamper.
    pub(super) async fn verify(&mut self, stop: bool, progress: &Progress) -> Result<Value, Fault> {
        let name = self.record()?.name.clone();
        let was_up = self.database_up || self.mount.is_some();
        if was_up && !stop {
            return Err(Fault::new("server_running", format!("server \"{name}\" is running"))
                .detail("the storage can be verified only while nothing writes to it")
                .hint(format!(
                    "add --stop to stop it for the check and start it again: \
                     pgkeep server storage verify -s {name} --stop"
                ))
                .exit(ExitCode::Conflict));
        }
        if was_up {
            self.stop("stopped for the verification of its storage", progress).await?;
        }
        let outcome = self.check_storage(progress).await;
        let restart = was_up && self.record()?.desired_state == DesiredState::Running;
        if restart {
            self.enter(ServerState::Starting, "the verification of its storage has ended");
            self.start_and_settle(progress).await?;
        }
        outcome
    }

    async fn check_storage(&mut self, progress: &Progress) -> Result<Value, Fault> {
        progress("unwrapping the data key");
        let record = self.record()?.clone();
        self.key_ready().await.map_err(|failure| failure.fault)?;
        let key = self.data_key().await.map_err(|failure| failure.fault)?;
        progress("reading every unit of the storage");
        let alarm = self.custody.alarm();
        let report = tokio::select! {
            biased;
            report = self.doors.mounter().check(&self.layout, key, progress) => report?,
            failure = alarm => return Err(self.inaccessible(&failure).fault),
        };
        for event in &report.tampered {
            let cryptfs::Event::Tamper { file, unit, reason } = event else { continue };
            let tamper = Tamper {
                found_at: self.now(),
                file: file.clone(),
                unit: *unit,
                reason: reason.clone(),
            };
            if self.facts.add_tamper(tamper.clone()) {
                self.note(Event::Tamper(tamper));
            }
        }
        let intact = report.tampered.is_empty();
        let mut value = serde_json::to_value(&report).map_err(|e| {
            Fault::new("report", sentence(&Fault::from_error("report", "no report", &e)))
        })?;
        value["server"] = json!(record.name);
        value["intact"] = json!(intact);
        value["verified_at"] = json!(self.now());
        Ok(value)
    }
}
