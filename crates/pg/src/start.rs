//! Starting PostgreSQL as a child and waiting until it accepts connections.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use tokio::time::Instant;

use crate::command::command;
use crate::conf::TLS_FILE;
use crate::pid_file::{PidFile, PostmasterStatus};
use crate::{Cluster, Error, Postmaster, Progress, Result, StartCause, StopMode, diagnose, file};

const POLL: Duration = Duration::from_millis(25);
/// How often a long recovery is reported.
const REPORT: Duration = Duration::from_secs(5);
const GIVE_UP: Duration = Duration::from_secs(20);
/// Children of a killed postmaster notice within a second or so.
const ORPHANS: Duration = Duration::from_secs(10);

impl Cluster {
    /// Writes the configuration, starts `postgres` and waits until it accepts connections and
    /// its guard rails hold.
    ///
    /// Crash recovery counts into `deadline` and is reported to `progress`. When the start fails
    /// the error says why, nothing is left running, and no data is touched.
    pub async fn start(&self, progress: Progress<'_>, deadline: Duration) -> Result<Postmaster> {
        self.refuse_other_version()?;
        self.wait_for_orphans().await?;
        self.clear_stale_pid_file()?;
        self.refuse_taken_port()?;
        self.write_configuration()?;
        if self.installed_certificate()?.is_none() {
            let reason = format!("there is none in \"{TLS_FILE}\" of the data directory");
            return Err(Error::Certificate { reason });
        }
        file::make_dir(&self.socket_dir, &self.run_as)?;
        progress("starting PostgreSQL");
        let postmaster = self.spawn()?;
        match self.until_ready(&postmaster, progress, deadline).await {
            Ok(()) => Ok(postmaster),
            Err(error) => {
                self.abandon(&postmaster).await;
                Err(error)
            }
        }
    }

    fn spawn(&self) -> Result<Postmaster> {
        // What the last run wrote there would be taken for words of this one.
        let _ = file::remove(&self.data_dir.join("current_logfiles"))?;
        let program = self.binaries.program("postgres");
        let mut command = command(&program, &self.run_as)?;
        command.arg("-D").arg(&self.data_dir);
        for (name, value) in self.pinned() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let child = command.spawn().map_err(|source| Error::Spawn { program, source })?;
        Postmaster::of_child(child, self)
    }

    async fn until_ready(
        &self,
        postmaster: &Postmaster,
        progress: Progress<'_>,
        deadline: Duration,
    ) -> Result<()> {
        let began = Instant::now();
        let mut reported = began;
        loop {
            if !postmaster.is_running() {
                return Err(diagnose::failed_start(self, postmaster));
            }
            // While it starts the file may be half written: not an error yet.
            let status = PidFile::read(&self.data_dir).ok().flatten();
            match status {
                Some(PidFile { pid, status: PostmasterStatus::Ready })
                    if pid == postmaster.pid() =>
                {
                    break;
                }
                _ if began.elapsed() > deadline => {
                    return Err(Error::Timeout {
                        what: "accept connections",
                        seconds: deadline.as_secs(),
                        detail: diagnose::last_words(self, postmaster),
                    });
                }
                _ => {}
            }
            if reported.elapsed() > REPORT {
                reported = Instant::now();
                let seconds = began.elapsed().as_secs();
                progress(&format!("PostgreSQL is starting up, recovery runs since {seconds} s"));
            }
            tokio::time::sleep(POLL).await;
        }
        if let Some(detail) = diagnose::half_bound(self, postmaster) {
            return Err(Error::Start { cause: StartCause::PortTaken, detail });
        }
        let connection = self.connect_local("postgres").await?;
        self.check_guard_rails(&connection).await
    }

    async fn abandon(&self, postmaster: &Postmaster) {
        for mode in [StopMode::Fast, StopMode::Immediate] {
            if postmaster.stop(mode, GIVE_UP).await.is_ok() {
                return;
            }
        }
        if let Err(error) = postmaster.kill(GIVE_UP).await {
            tracing::error!(%error, "a failed start left processes behind");
        }
    }

    async fn wait_for_orphans(&self) -> Result<()> {
        if let Some(postmaster) = self.running()? {
            return Err(Error::AlreadyRunning { pid: postmaster.pid() });
        }
        let until = Instant::now() + ORPHANS;
        while !crate::process::all_in(&self.data_dir).is_empty() && Instant::now() < until {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// PostgreSQL is content with one of several addresses; we are not.
    fn refuse_taken_port(&self) -> Result<()> {
        for address in ["127.0.0.1", "::1"] {
            match TcpListener::bind((address, self.port)) {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    let detail = format!("port {} on {address} is in use", self.port);
                    return Err(Error::Start { cause: StartCause::PortTaken, detail });
                }
                // No IPv6 here, or a port that we may not use: PostgreSQL says so better.
                _ => {}
            }
        }
        Ok(())
    }

    fn refuse_other_version(&self) -> Result<()> {
        let path = self.data_dir.join("PG_VERSION");
        let Some(text) = file::read_text(&path)? else {
            let detail = format!("\"{}\" is not there", path.display());
            return Err(Error::Start { cause: StartCause::DamagedData, detail });
        };
        let ours = self.binaries.version.major.to_string();
        if text.trim() == ours {
            return Ok(());
        }
        let detail =
            format!("the data directory is of \"{}\", the programs of {ours}", text.trim());
        Err(Error::Start { cause: StartCause::WrongVersion, detail })
    }
}
