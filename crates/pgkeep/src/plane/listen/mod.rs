//! Listeners for what others send: syslog over UDP, TCP and TLS, and OTLP for programs of this
//! machine. Off unless `[logs.syslog]` or `[logs.otlp]` of `config.toml` names an address.
//!
//! Syslog knows no acknowledgement. What a sender has handed to its own kernel is lost when either
//! side dies before it is stored here; over TCP and TLS a store that is slow or full makes senders
//! wait, over UDP what does not fit is dropped, counted and written down. Nobody is asked who they
//! are: an address that is reachable by others should be TLS, and behind a firewall.

mod stream;
mod udp;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::plane::Api;
use base::Fault;

use super::logs::{Heard, Logs, Readers};
use super::{Plane, page};
use crate::home::{Config, LogsSettings};

/// A listener that failed is begun again after this.
const PAUSE: Duration = Duration::from_secs(5);
/// How long is waited before records are tried again that the store did not take.
const RETRY: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What all listeners share.
struct Ear {
    logs: Arc<Logs>,
    readers: Readers,
}

/// Runs for ever.
pub(super) async fn run(plane: Arc<Plane>, api: Api) {
    let outcome = begin(&plane);
    let Some((ear, LogsSettings { syslog: settings, otlp, .. })) =
        outcome.unwrap_or_else(|fault| {
            tracing::error!(fault.message, fault.detail, "listeners for events are off");
            None
        })
    else {
        return std::future::pending().await;
    };
    let http = async {
        match otlp.http {
            Some(at) => again("otlp", at, || serve_otlp(&api, at)).await,
            None => std::future::pending().await,
        }
    };
    let tls = async {
        match settings.tls {
            Some(at) => again("tls", at, || stream::serve_tls(&ear, &plane, at)).await,
            None => std::future::pending().await,
        }
    };
    let tcp = async {
        match settings.tcp {
            Some(at) => again("tcp", at, || stream::serve_tcp(&ear, at)).await,
            None => std::future::pending().await,
        }
    };
    let udp = async {
        match settings.udp {
            Some(at) => again("udp", at, || udp::serve(&ear, at)).await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(udp, tcp, tls, http);
}

async fn serve_otlp(api: &Api, at: SocketAddr) -> Result<(), Fault> {
    let why = format!("could not listen on {at}");
    let listener = tokio::net::TcpListener::bind(at)
        .await
        .map_err(|e| Fault::from_error("listen", why.clone(), &e))?;
    api.serve_otlp(listener).await.map_err(|e| Fault::from_error("listen", why, &e))
}

fn begin(plane: &Plane) -> Result<Option<(Arc<Ear>, LogsSettings)>, Fault> {
    let settings = Config::load(&plane.home)?.logs;
    if settings == LogsSettings::default() {
        return Ok(None);
    }
    let logs = plane.logs()?;
    let readers = logs.readers()?;
    Ok(Some((Arc::new(Ear { logs, readers }), settings)))
}

/// Serves, and begins again when it could not. The same reason is said once.
async fn again<F: Future<Output = Result<(), Fault>>>(
    protocol: &str,
    at: SocketAddr,
    serve: impl Fn() -> F,
) {
    let mut said = None;
    loop {
        let Err(fault) = serve().await else { continue };
        if said.as_ref() != Some(&fault) {
            tracing::error!(
                protocol,
                address = %at,
                fault.message,
                fault.detail,
                "events are not listened to"
            );
            said = Some(fault);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Ear {
    /// Stores records of one address. While the store takes none this waits, and with it whoever
    /// sends.
    async fn hear(self: &Arc<Self>, from: IpAddr, records: Vec<Heard>) {
        let mut records = records;
        let mut pause = RETRY;
        while !records.is_empty() {
            let ear = Arc::clone(self);
            let work = move || {
                let outcome = ear.logs.hear(&ear.readers, from, &records);
                (records, outcome)
            };
            match tokio::task::spawn_blocking(work).await {
                Ok((_, Ok(()))) => return,
                Ok((back, Err(fault))) => {
                    tracing::debug!(fault.message, %from, "events wait for the store");
                    records = back;
                }
                Err(e) => {
                    // A record that cannot even be tried must not be tried for ever.
                    tracing::error!(error = %e, %from, "events were lost: taking them in failed");
                    return;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }
}

/// How many connections each address holds.
#[derive(Clone, Debug, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them; given back when dropped.
struct Guest {
    guests: Guests,
    from: IpAddr,
}

impl Guests {
    /// A place for one more of `from`, unless it has `most`.
    fn admit(&self, from: IpAddr, most: usize) -> Option<Guest> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = all.entry(from).or_default();
        if *n >= most {
            return None;
        }
        *n += 1;
        Some(Guest { guests: self.clone(), from })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut all = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = all.get_mut(&self.from) {
            *n -= 1;
            if *n == 0 {
                all.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let guests = Guests::default();
        let [a, b] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let held: Vec<Guest> = (0..3).filter_map(|_| guests.admit(a, 2)).collect();
        assert_eq!(held.len(), 2);
        assert!(guests.admit(b, 2).is_some());
        drop(held);
        assert!(guests.admit(a, 2).is_some());
        assert!(guests.0.lock().unwrap().is_empty());
    }
}
