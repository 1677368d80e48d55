//! A new cluster: `initdb`, then our configuration beside PostgreSQL's own.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use base::Secret;
use rustix::fs::{Gid, Uid, fchown};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::command::command;
use crate::ring::Ring;
use crate::{Cluster, Error, Policy, Progress, Result, file};

/// A slow disk may need minutes to flush a new cluster.
const DEADLINE: Duration = Duration::from_secs(600);
/// A pipe takes this much without a reader (POSIX `PIPE_BUF` is at least 512).
const PASSWORD_BYTES: usize = 500;

impl Cluster {
    /// Makes the cluster: data checksums, UTF-8, locale C.UTF-8, bootstrap role `postgres` with
    /// `password`, SCRAM over TCP; then writes the guard rails and the access rules.
    ///
    /// The password goes through a pipe; it never stands in a file, an argument or a variable.
    /// The data directory may exist if it is empty. A failed `initdb` removes what it made.
    pub async fn initdb(&self, password: &Secret<String>, progress: Progress<'_>) -> Result<()> {
        self.refuse_full_directory()?;
        let program = self.binaries.program("initdb");
        let spawn_error = |source| Error::Spawn { program: program.clone(), source };
        let stdin = self.password_pipe(password)?;
        let mut child = command(&program, &self.run_as)?
            .args(["--username=postgres", "--pwfile=/dev/stdin", "--data-checksums"])
            .args(["--auth-local=peer", "--auth-host=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"])
            .arg(&self.data_dir)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(spawn_error)?;
        let errors = Ring::default();
        let reader = child.stderr.take().map(|stream| errors.follow(stream));
        let stdout = child.stdout.take();
        let run = async {
            if let Some(stdout) = stdout {
                let mut lines = BufReader::new(stdout).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Some(step) = line.strip_suffix(" ... ok") {
                        progress(step);
                    }
                }
            }
            child.wait().await
        };
        let status = tokio::time::timeout(DEADLINE, run)
            .await
            .map_err(|_| Error::Timeout {
                what: "finish initdb",
                seconds: DEADLINE.as_secs(),
                detail: String::new(),
            })?
            .map_err(spawn_error)?;
        if !status.success() {
            if let Some(reader) = reader {
                // The reader ends with the stream; only a panic would make this an error.
                let _ = reader.await;
            }
            return Err(Error::Program { program, detail: errors.lines().join("; ") });
        }
        self.save_policy(&Policy::default())?;
        self.write_configuration()
    }

    fn refuse_full_directory(&self) -> Result<()> {
        match std::fs::read_dir(&self.data_dir).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(Error::NotEmpty(self.data_dir.clone())),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file("read directory", &self.data_dir)(error))
            }
            _ => {
                if let Some(parent) = self.data_dir.parent().filter(|parent| !parent.exists()) {
                    file::make_dir(parent, &self.run_as)?;
                }
                Ok(())
            }
        }
    }

    /// A pipe that already holds the password, to become the standard input of `initdb`.
    fn password_pipe(&self, password: &Secret<String>) -> Result<Stdio> {
        let password = password.expose();
        if password.is_empty()
            || password.len() > PASSWORD_BYTES
            || password.contains(['\n', '\r', '\0'])
        {
            let reason = format!("the password must be one line of 1 to {PASSWORD_BYTES} bytes");
            return Err(Error::Location { reason });
        }
        let pipe_error = |source| Error::File {
            doing: "make pipe for",
            path: self.binaries.program("initdb"),
            source,
        };
        let (reader, mut writer) = std::io::pipe().map_err(pipe_error)?;
        let reader = File::from(std::os::fd::OwnedFd::from(reader));
        if !self.run_as.is_current() {
            // initdb opens /dev/stdin anew, and a pipe belongs to whoever made it.
            let (uid, gid) = (Uid::from_raw(self.run_as.uid), Gid::from_raw(self.run_as.gid));
            fchown(&reader, Some(uid), Some(gid)).map_err(|errno| pipe_error(errno.into()))?;
        }
        writer.write_all(password.as_bytes()).map_err(pipe_error)?;
        writer.write_all(b"\n").map_err(pipe_error)?;
        Ok(Stdio::from(reader))
    }
}
