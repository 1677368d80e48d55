//! Opening a store over the doors: header, key, log, recovery.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use base::Random;
use crypto::{DataKey, MacSuite, UnitMac};
use parking_lot::Mutex;

use super::header::StoreHeader;
use super::keys::{Id, StoreKeys};
use super::log::{self, DirtyLog, LOG_NAME, Replay};
use super::recover::{Recovery, recover};
use super::shared::{Counters, Shared};
use crate::doors::Volume;
use crate::{Error, EventSink};

pub(crate) const STORE_NAME: &str = "store";

/// Opens the store, making it when `create` and there is none. The second part of the answer is
/// there when the last stop was not clean.
pub(crate) fn open(
    volume: Arc<dyn Volume>,
    key: &DataKey,
    create: bool,
    suite: MacSuite,
    random: Arc<dyn Random>,
    events: Arc<dyn EventSink>,
) -> Result<(Shared, Option<Recovery>), Error> {
    let temporary = DataKey::generate(&*random);
    let (header, keys) = match read_header(&*volume, key, temporary)? {
        Some(found) => found,
        None if create => make(&*volume, key, suite, &*random)?,
        None => return Err(Error::Format("it has no header".to_owned())),
    };
    let replay = read_log(&*volume, &keys)?;
    let recovery = if replay.clean {
        None
    } else {
        Some(recover(&*volume, &keys, header.epoch, &replay.dirty)?)
    };
    let mut ids = [[0u8; 16]; 2];
    ids.iter_mut().for_each(|id| random.fill(id));
    let [generation, mount_id] = ids;
    let log = DirtyLog::begin(&*volume, generation, keys.log(&generation))?;
    let shared = Shared {
        keys,
        epoch: header.epoch,
        mount_id,
        log,
        volume,
        random,
        events,
        counters: Counters::default(),
        tick: AtomicU64::new(0),
        open: Mutex::new(HashMap::new()),
        dirty: Mutex::new(HashMap::new()),
    };
    Ok((shared, recovery))
}

/// Reads and proves the store's header; `None` when there is none yet.
pub(crate) fn read_header(
    volume: &dyn Volume,
    key: &DataKey,
    temporary: DataKey,
) -> Result<Option<(StoreHeader, StoreKeys)>, Error> {
    let failed = |source| Error::Io { doing: "read the store's header", source };
    let Some(file) = volume.meta(STORE_NAME).map_err(failed)? else { return Ok(None) };
    let mut page = vec![0u8; 4096];
    let n = file.read_at(0, &mut page).map_err(failed)?;
    let header = StoreHeader::decode(&page[..n])?;
    let suite = match header.mac_suite {
        1 => MacSuite::GcmSiv,
        2 => MacSuite::HmacSha256,
        other => return Err(Error::Format(format!("it uses MAC suite {other}"))),
    };
    let keys = StoreKeys::new(key, header.store_id, suite, temporary);
    StoreHeader::verify(&page, keys.headers())?;
    Ok(Some((header, keys)))
}

/// Reads the dirty log of an existing store.
pub(crate) fn read_log(volume: &dyn Volume, keys: &StoreKeys) -> Result<Replay, Error> {
    let file = volume
        .meta(LOG_NAME)
        .map_err(|source| Error::Io { doing: "read the dirty log", source })?
        .ok_or_else(|| Error::Format("its dirty log is missing".to_owned()))?;
    log::replay(&*file, |generation: &Id| -> UnitMac { keys.log(generation) })
}

/// Makes a new store. The header comes last: without it there is no store yet.
fn make(
    volume: &dyn Volume,
    key: &DataKey,
    suite: MacSuite,
    random: &dyn Random,
) -> Result<(StoreHeader, StoreKeys), Error> {
    let mut ids = [[0u8; 16]; 2];
    ids.iter_mut().for_each(|id| random.fill(id));
    let [store_id, generation] = ids;
    let header = StoreHeader { store_id, mac_suite: suite as u16, epoch: 1 };
    let keys = StoreKeys::new(key, store_id, suite, DataKey::generate(random));
    log::write_clean(volume, generation, &keys.log(&generation))?;
    volume
        .replace_meta(STORE_NAME, &header.encode(keys.headers()))
        .map_err(|source| Error::Io { doing: "write the store's header", source })?;
    Ok((header, keys))
}
