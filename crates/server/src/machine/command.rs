//! What is asked of the machine, one command at a time.

use std::ops::ControlFlow;

use base::{Changed, Fault, ServerState};
use serde_json::{Value, json};

use super::{Machine, proof};
use crate::database::Database;
use crate::doors::{Doors, Progress};
use crate::handle::{Command, Request};
use crate::record::DesiredState;
use crate::status;

impl<D: Doors> Machine<D> {
    /// Does a command and answers it; breaks when the machine is to end.
    pub(super) async fn serve(&mut self, request: Request) -> ControlFlow<()> {
        if request.interrupts {
            self.stops.send_modify(|n| *n = n.saturating_sub(1));
        }
        if matches!(request.command, Command::Shutdown) {
            self.shut_down(&request.progress).await;
            self.publish();
            // Nobody may be waiting any more.
            let _ = request.reply.send(Ok(json!({ "changed": Changed::Changed })));
            return ControlFlow::Break(());
        }
        let Request { command, progress, reply, .. } = request;
        let answer = match command {
            // Both ask vaults, which nobody else shall wait for: they answer by themselves.
            Command::KeyChange(change) => {
                self.change_key(change, progress, reply);
                self.publish();
                return ControlFlow::Continue(());
            }
            Command::KeyCheck => {
                self.check_key(reply);
                return ControlFlow::Continue(());
            }
            command if command.ends_with_the_key() => {
                let alarm = self.alarm();
                tokio::select! {
                    biased;
                    answer = self.obey_command(command, &progress) => answer,
                    failure = alarm => Err(self.inaccessible(&failure).fault),
                }
            }
            command => self.obey_command(command, &progress).await,
        };
        self.publish();
        let _ = reply.send(answer);
        ControlFlow::Continue(())
    }

    async fn obey_command(
        &mut self,
        command: Command,
        progress: &Progress,
    ) -> Result<Value, Fault> {
        match command {
            Command::Create(spec) => {
                self.create(&spec, progress).await?;
                self.answer(Changed::Changed)
            }
            Command::Start => {
                let changed = self.start_wanted(progress).await?;
                self.answer(changed)
            }
            Command::Stop => {
                let changed = self.stop_wanted(progress).await?;
                self.answer(changed)
            }
            Command::Restart => {
                self.restart_wanted(progress).await?;
                self.answer(Changed::Changed)
            }
            Command::Delete => Ok(json!({ "changed": self.delete(progress).await? })),
            Command::ParameterList => self.ready_database()?.parameters().await,
            Command::ParameterShow { name } => self.ready_database()?.parameter(&name).await,
            Command::ParameterSet { name, value } => {
                let database = self.ready_database()?;
                let outcome = database.set_parameter(&name, value.as_deref()).await?;
                self.refresh_settings().await?;
                self.police().await;
                Ok(outcome)
            }
            Command::ParameterTry { name, value } => {
                self.ready_database()?.try_parameter(&name, value.as_deref()).await
            }
            Command::NetworkingShow => plain(&self.ready_database()?.networking().await?),
            Command::NetworkingPreview(wanted) => {
                self.ready_database()?.preview_networking(&wanted).await
            }
            Command::NetworkingSet(wanted) => self.set_networking(&wanted).await,
            Command::StorageProof => {
                let (relation, file) = self.ready_database()?.harmless_relation().await?;
                proof::of(&self.layout, relation, &file, self.now()).await
            }
            Command::CertificateRotate => {
                self.record()?;
                let changed = self.rotate(progress).await?;
                self.answer(changed)
            }
            Command::CertificateSet(own) => {
                let changed = self.set_own_certificate(&own, progress).await?;
                self.answer(changed)
            }
            Command::ClientCertificates(wanted) => {
                let changed = self.ready_database()?.client_certificates(wanted).await?;
                self.answer(changed)
            }
            Command::StorageVerify { stop } => self.verify(stop, progress).await,
            Command::KeyChange(_) | Command::KeyCheck | Command::Shutdown => {
                unreachable!("because it is handled before")
            }
        }
    }

    async fn start_wanted(&mut self, progress: &Progress) -> Result<Changed, Fault> {
        self.refuse_unprovisioned()?;
        self.policy.reset();
        self.amend(|record| record.desired_state = DesiredState::Running)?;
        if self.is_ready() {
            return Ok(Changed::Unchanged);
        }
        self.enter(ServerState::Starting, "started by its owner");
        self.start_and_settle(progress).await?;
        Ok(Changed::Changed)
    }

    async fn stop_wanted(&mut self, progress: &Progress) -> Result<Changed, Fault> {
        self.record()?;
        self.amend(|record| record.desired_state = DesiredState::Stopped)?;
        let was_up = self.database_up || self.mount.is_some();
        self.stop("stopped by its owner", progress).await?;
        Ok(if was_up { Changed::Changed } else { Changed::Unchanged })
    }

    async fn restart_wanted(&mut self, progress: &Progress) -> Result<(), Fault> {
        self.refuse_unprovisioned()?;
        self.policy.reset();
        self.amend(|record| record.desired_state = DesiredState::Running)?;
        self.enter(ServerState::Restarting, "restarted by its owner");
        self.take_down(crate::database::StopMode::Fast, progress).await?;
        self.start_and_settle(progress).await
    }

    fn refuse_unprovisioned(&self) -> Result<(), Fault> {
        let record = self.record()?;
        if record.provisioned {
            return Ok(());
        }
        let message = format!("the creation of server \"{}\" was interrupted", record.name);
        Err(Fault::new("not_provisioned", message)
            .hint("create it again, or delete it")
            .exit(base::ExitCode::Conflict))
    }

    /// Changes who may connect, and connects back. What cannot be proved is taken back.
    async fn set_networking(&mut self, wanted: &pg::NetworkingChange) -> Result<Value, Fault> {
        let database = self.ready_database()?;
        let before = database.networking().await?;
        let outcome = database.set_networking(wanted).await?;
        if let Err(fault) = self.prove_tls().await {
            let back = pg::NetworkingChange {
                rules: Some(before.rules),
                require_secure_transport: Some(before.require_secure_transport),
                min_tls_version: Some(before.min_tls_version),
                max_tls_version: Some(before.max_tls_version),
                listen_addresses: None,
            };
            let _ = self.ready_database()?.set_networking(&back).await?;
            return Err(fault);
        }
        self.refresh_settings().await?;
        let mut shown = plain(&self.ready_database()?.networking().await?)?;
        shown["changed"] = json!(outcome.changed);
        shown["needs_restart"] = json!(outcome.needs_restart);
        Ok(shown)
    }

    fn ready_database(&self) -> Result<&D::Database, Fault> {
        self.refuse_while_unstable()?;
        Ok(self.database.as_ref().expect("because the server is Ready"))
    }

    /// What `show` answers, and whether anything was changed.
    pub(super) fn answer(&self, changed: Changed) -> Result<Value, Fault> {
        let record = self.record()?;
        let mounted = self.mount.is_some();
        let show = status::show(&self.layout, record, &self.state, &self.facts, mounted);
        let mut value = plain(&show)?;
        value["changed"] = json!(changed);
        Ok(value)
    }
}

fn plain(answer: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(answer)
        .map_err(|e| Fault::from_error("answer", "could not write the answer", &e))
}
