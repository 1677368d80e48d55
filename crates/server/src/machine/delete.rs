//! The end of a server: everything is stopped, proved to be unmounted, and only then removed.

use std::path::Path;

use base::{Changed, Fault, ServerState};

use super::Machine;
use crate::Error;
use crate::database::StopMode;
use crate::doors::{Doors, Mounter, Progress};
use crate::history::KeyHealth;
use crate::policy::KeyLosses;
use crate::status::Facts;

impl<D: Doors> Machine<D> {
    /// Removes the server with everything it holds.
    pub(super) async fn delete(&mut self, progress: &Progress) -> Result<Changed, Fault> {
        if matches!(self.record, Ok(None)) {
            return Ok(Changed::Unchanged);
        }
        if let Err(fault) = &self.record {
            return Err(fault.clone());
        }
        self.retry_at = None;
        self.enter(ServerState::Dropping, "deleted by its owner");
        let before = self.state.clone();
        let outcome = match self.take_down(StopMode::Fast, progress).await {
            Ok(()) => self.discard(progress).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            let said = super::start::sentence(&fault);
            self.enter(ServerState::Stopped, format!("{} but {said}", before.reason));
            return Err(fault);
        }
        Ok(Changed::Changed)
    }

    /// Removes the folder of a server that is not mounted, and forgets the server.
    pub(super) async fn discard(&mut self, progress: &Progress) -> Result<(), Fault> {
        self.clear_leftovers(progress).await;
        let dir = self.layout.dir();
        if self.doors.mounter().is_mounted(&self.layout)? {
            return Err(Fault::new("still_mounted", "the encrypted storage is still mounted")
                .detail("nothing was removed"));
        }
        progress("removing the files of the server");
        self.history = None;
        let removal = dir.clone();
        tokio::task::spawn_blocking(move || remove_folder(&removal))
            .await
            .map_err(|e| Fault::from_error("remove", "removing the files was cut short", &e))??;
        self.drop_errand(&Fault::new("deleted", "the server was deleted"));
        self.record = Ok(None);
        self.watch_key();
        self.database = None;
        self.database_up = false;
        self.facts = Facts::default();
        self.policy.reset();
        self.losses = KeyLosses::default();
        self.noted_key = (KeyHealth::Unchecked, None);
        Ok(())
    }
}

/// True when the empty folder is left to whoever owns its parent, or mounted a disk there.
fn stays(kind: std::io::ErrorKind) -> bool {
    matches!(kind, std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ResourceBusy)
}

/// Removes what a folder holds, the record last, so that a removal cut short can be repeated.
/// The folder itself stays when its parent belongs to somebody else.
fn remove_folder(dir: &Path) -> Result<(), Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read", dir)(e)),
    };
    let mut record = None;
    for entry in entries {
        let entry = entry.map_err(Error::io("read", dir))?;
        let path = entry.path();
        if entry.file_name() == "server.json" {
            record = Some(path);
            continue;
        }
        let kind = entry.file_type().map_err(Error::io("look at", &path))?;
        let removed = if kind.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.map_err(Error::io("remove", &path))?;
    }
    if let Some(path) = record {
        std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    }
    match std::fs::remove_dir(dir) {
        Ok(()) => Ok(()),
        Err(e) if stays(e.kind()) => Ok(()),
        Err(e) => Err(Error::io("remove", dir)(e)),
    }
}
