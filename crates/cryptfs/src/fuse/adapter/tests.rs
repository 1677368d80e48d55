//! What a panic in a handler does: an error, an event, and no change after it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Adapter, Errno, Event, EventSink, Face};
use crate::{Store, StoreOptions};

#[derive(Default)]
struct Seen(Mutex<Vec<Event>>);

impl EventSink for Seen {
    fn emit(&self, event: Event) {
        self.0.lock().push(event);
    }
}

#[test]
fn a_panic_is_an_error_and_nothing_is_changed_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = crypto::DataKey::from_hex(&"5a".repeat(32)).unwrap();
    let seen = Arc::new(Seen::default());
    let store = Store::open(folder.path(), &key, &StoreOptions::default(), seen.clone()).unwrap();
    let face = Face::new(store.clone(), 10).unwrap();
    let adapter = Adapter::new(face, seen.clone());

    assert_eq!(adapter.change("write", || Ok(1)).unwrap(), 1);
    let errno = adapter.change("write", || Err::<(), _>(Errno::NOSPC)).unwrap_err();
    assert_eq!(errno.code(), Errno::NOSPC.raw_os_error());
    assert!(seen.0.lock().is_empty());

    let errno = adapter.look::<()>("read", || panic!("as a test")).unwrap_err();
    assert_eq!(errno.code(), Errno::IO.raw_os_error());
    assert!(
        matches!(&seen.0.lock()[..], [Event::Poisoned { reason, .. }] if reason.contains("read"))
    );

    assert_eq!(adapter.look("read", || Ok(2)).unwrap(), 2);
    assert!(adapter.change("write", || Ok(())).is_err());
    store.close().unwrap();
}
