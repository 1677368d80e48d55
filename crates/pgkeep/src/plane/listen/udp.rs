//! Syslog over UDP (RFC 5426): a datagram is a record.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::Fault;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::Ear;
use crate::plane::logs::Heard;

/// Longest datagram, with its end: nothing of one is cut off.
const DATAGRAM_BYTES: usize = 64 << 10;
/// Datagrams and bytes that wait to be stored.
const WAITING_MAX: usize = 16_384;
const WAITING_BYTES: usize = 32 << 20;
/// Datagrams that are stored at once.
const BATCH_MAX: usize = 2000;
/// What the kernel may hold; it may grant less.
const KERNEL_BYTES: usize = 4 << 20;
/// How often lost datagrams are said.
const SAY: Duration = Duration::from_secs(10);

struct Datagram {
    from: IpAddr,
    bytes: Vec<u8>,
}

/// Serves until it fails.
pub(super) async fn serve(ear: &Arc<Ear>, at: SocketAddr) -> Result<(), Fault> {
    let failed = |e: std::io::Error| {
        Fault::from_error("listen", format!("could not listen on {at} (UDP)"), &e)
    };
    let socket = UdpSocket::bind(at).await.map_err(failed)?;
    if let Err(e) = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, KERNEL_BYTES) {
        tracing::debug!(error = %e, "the kernel keeps its own size of the buffer");
    }
    let waiting = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::select! {
        outcome = receive(ear, &socket, &sender, &waiting) => outcome.map_err(failed),
        () = store(ear, receiver, &waiting) => Ok(()),
    }
}

/// Reads what comes and never waits for the store.
async fn receive(
    ear: &Arc<Ear>,
    socket: &UdpSocket,
    sender: &mpsc::Sender<Datagram>,
    waiting: &AtomicUsize,
) -> std::io::Result<()> {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let mut lost = Lost::default();
    loop {
        let said_at = lost.say_at();
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received?,
            () = tokio::time::sleep_until(said_at.into()), if lost.n > 0 => {
                lost.say(ear).await;
                continue;
            }
        };
        let (n, from) = (received.0, received.1.ip().to_canonical());
        if n == 0 {
            continue;
        }
        let is_room = waiting.fetch_add(n, Ordering::Relaxed) + n <= WAITING_BYTES;
        let datagram = || Datagram { from, bytes: buffer[..n].to_vec() };
        if !is_room || sender.try_send(datagram()).is_err() {
            waiting.fetch_sub(n, Ordering::Relaxed);
            lost.n += 1;
            lost.last = Some(from);
        }
    }
}

/// Stores what was read, address by address.
async fn store(ear: &Arc<Ear>, mut receiver: mpsc::Receiver<Datagram>, waiting: &AtomicUsize) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut n_bytes = 0;
        let mut by_address: HashMap<IpAddr, Vec<Heard>> = HashMap::new();
        for Datagram { from, bytes } in batch.drain(..) {
            n_bytes += bytes.len();
            let record = Heard { bytes: trimmed(bytes), offset: 0, defect: None };
            by_address.entry(from).or_default().push(record);
        }
        for (from, records) in by_address {
            ear.hear(from, records).await;
        }
        waiting.fetch_sub(n_bytes, Ordering::Relaxed);
    }
}

/// A datagram without the end of a line that some senders add.
fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last().is_some_and(|b| [b'\n', b'\r', 0].contains(b)) {
        bytes.pop();
    }
    bytes
}

/// Datagrams that were dropped and not yet spoken of.
#[derive(Debug, Default)]
struct Lost {
    n: u64,
    last: Option<IpAddr>,
    said_at: Option<Instant>,
}

impl Lost {
    fn say_at(&self) -> Instant {
        self.said_at.map_or_else(Instant::now, |at| at + SAY)
    }

    async fn say(&mut self, ear: &Arc<Ear>) {
        self.said_at = Some(Instant::now());
        let (n, Some(from)) = (std::mem::take(&mut self.n), self.last) else { return };
        tracing::warn!(n, last = %from, "datagrams of syslog were dropped: they come too fast");
        let why = format!("{n} datagrams were dropped: they came faster than they were stored");
        let for_work = Arc::clone(ear);
        // Not waited for: a store that takes nothing is why they were dropped.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(fault) = for_work.logs.note_lost(&for_work.readers, from, why) {
                tracing::warn!(fault.message, "lost datagrams were not written down");
            }
        }));
    }
}
