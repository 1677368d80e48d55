//! Whose tables those of a place are, and where those of a store are.
//!
//! A store whose tables lie elsewhere says so in its own folder (`place.json`) and claims the
//! place each time that it is opened: `_pgkeep-store/NUMBER.json` there, put where nobody has put
//! one, holds a random token that the folder knows. Another store is refused, and so is a copy of
//! the folder once one of the two was opened after it was made. The first to claim a place also
//! finds out whether it keeps the promise that all commits rest on.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delta::Log;
use super::doors::Doors;
use super::error::{Doing as _, StoreError, StoreResult};
use super::folder::{Folder, TABLES};
use super::place::{Place, Put};
use super::wal;

/// Where the tables lie, in the folder of the store.
const KNOWN: &str = "place.json";
/// Where claims are, in the place; no table can have such a name.
pub(super) const CLAIMS: &str = "_pgkeep-store";
/// The longest that is read of either.
const MOST: u64 = 64 << 10;

/// What the folder of the store knows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    url: String,
    /// Of the last claim, and of the one before it: the last may not have come to be
    tokens: Vec<String>,
    /// Whether any has
    is_claimed: bool,
}

/// What stands in the place.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    token: String,
    /// Whether this should not have been possible
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    second: bool,
}

fn elsewhere(what: String) -> StoreError {
    StoreError::Elsewhere { what }
}

/// Makes sure that the tables of this store lie in its place, and that they are this store's.
pub(super) fn claim(doors: &Doors) -> StoreResult<()> {
    let place = doors.tables();
    let known = known(doors)?;
    let url = match (place.url(), &known) {
        (None, None) => return Ok(()),
        (Some(url), Some(known)) if known.url == url => url,
        (Some(url), None) => {
            must_be_empty(doors, url)?;
            url
        }
        (url, Some(known)) => {
            let here = url.unwrap_or("the folder of the store");
            let what = format!("the tables of this store lie at {}, not in {here}", known.url);
            return Err(elsewhere(what));
        }
    };
    let last = last(&*place)?;
    let (mut tokens, is_claimed) =
        known.map_or((Vec::new(), false), |known| (known.tokens, known.is_claimed));
    let is_ours = match &last {
        Some((_, claim)) => tokens.contains(&claim.token),
        None => !is_claimed,
    };
    if !is_ours {
        return Err(elsewhere(match last {
            Some(_) if tokens.is_empty() => {
                format!("the tables at {url} belong to another store")
            }
            Some(_) => format!("another copy of this store has opened the tables at {url} since"),
            None => format!("nothing at {url} says that the tables there are this store's"),
        }));
    }
    let token = doors.uuid().doing(|| "reading randomness".to_owned())?;
    let token = format!("{token:032x}");
    tokens.retain(|known| last.as_ref().is_some_and(|(_, claim)| claim.token == *known));
    tokens.push(token.clone());
    keep(doors, &Known { url: url.to_owned(), tokens, is_claimed })?;
    let number = last.as_ref().map_or(1, |(number, _)| number + 1);
    put(&*place, url, number, &token)?;
    keep(doors, &Known { url: url.to_owned(), tokens: vec![token], is_claimed: true })?;
    if let Some((number, _)) = last {
        let path = claim_path(number);
        match place.remove(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            removed => removed.doing(|| format!("removing \"{path}\""))?,
        }
    }
    Ok(())
}

fn claim_path(number: u64) -> String {
    format!("{CLAIMS}/{number:020}.json")
}

/// Puts a claim, and another one in the same place, which must not succeed: a store that takes it
/// would let one commit overwrite another.
fn put(place: &dyn Place, url: &str, number: u64, token: &str) -> StoreResult<()> {
    let path = claim_path(number);
    let doing = || format!("claiming \"{path}\"");
    let bytes = |second| {
        let claim = Claim { token: token.to_owned(), second };
        serde_json::to_vec(&claim).expect("because a claim is JSON")
    };
    if place.put_if_absent(&path, bytes(false)).doing(doing)? == Put::Taken {
        let what = format!("another store claims the tables at {url} at this moment");
        return Err(elsewhere(what));
    }
    if place.put_if_absent(&path, bytes(true)).doing(doing)? == Put::Done {
        let what = format!(
            "the object store at {url} puts an object where there is one already though it was \
             asked not to: commits could overwrite each other"
        );
        return Err(elsewhere(what));
    }
    Ok(())
}

/// The last claim of a place.
fn last(place: &dyn Place) -> StoreResult<Option<(u64, Claim)>> {
    let items = place.list(CLAIMS).doing(|| format!("listing \"{CLAIMS}\""))?;
    let number = |name: &str| name.strip_suffix(".json")?.parse::<u64>().ok();
    let Some(number) = items.iter().filter_map(|item| number(&item.name)).max() else {
        return Ok(None);
    };
    let path = claim_path(number);
    let bytes = place.read(&path, MOST).doing(|| format!("reading \"{path}\""))?;
    let claim = serde_json::from_slice(&bytes)
        .map_err(|e| elsewhere(format!("the claim \"{path}\" is not understood: {e}")))?;
    Ok(Some((number, claim)))
}

/// Refuses to leave rows behind in the folder: those of its tables and of the write-ahead log.
fn must_be_empty(doors: &Doors, url: &str) -> StoreResult<()> {
    let entries =
        doors.disk.list(wal::FOLDER).doing(|| "listing the write-ahead log".to_owned())?;
    if !entries.is_empty() {
        let what = format!(
            "the write-ahead log has rows of tables that do not lie at {url}: begin with another \
             folder"
        );
        return Err(elsewhere(what));
    }
    let folder = Folder::new(Arc::clone(&doors.disk), Arc::clone(&doors.random));
    let here = Doors { place: Some(Arc::new(folder.clone())), ..doors.clone() };
    let items = folder.list("").doing(|| format!("listing \"{TABLES}\""))?;
    for item in items.into_iter().filter(|item| item.is_folder) {
        let log = Log::load(&here, &item.name)?;
        if log.is_some_and(|log| log.committed > 0 || !log.files.is_empty()) {
            let what = format!(
                "table {} has rows in the folder of the store, and they do not go to {url} by \
                 themselves: begin with another folder",
                item.name
            );
            return Err(elsewhere(what));
        }
    }
    Ok(())
}

fn known(doors: &Doors) -> StoreResult<Option<Known>> {
    let bytes = match doors.disk.read(KNOWN, MOST) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).doing(|| format!("reading \"{KNOWN}\"")),
    };
    let known = serde_json::from_slice(&bytes);
    known.map(Some).map_err(|e| elsewhere(format!("\"{KNOWN}\" is not understood: {e}")))
}

/// Replaces what the folder knows, in one step.
fn keep(doors: &Doors, known: &Known) -> StoreResult<()> {
    let bytes = serde_json::to_vec(known).expect("because it is JSON");
    let new = format!("{KNOWN}.new");
    let write = || -> io::Result<()> {
        match doors.disk.remove(&new) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = doors.disk.create(&new)?;
        file.append(&bytes)?;
        file.sync()?;
        doors.disk.rename(&new, KNOWN)?;
        doors.disk.sync_folder("")
    };
    write().doing(|| format!("writing \"{KNOWN}\""))
}
