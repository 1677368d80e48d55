//! Queries beyond one machine: a coordinator that cuts a plan into stages and workers that run
//! their tasks.
//!
//! The engine is `datafusion-distributed`: streams between workers over gRPC, no scheduler, any
//! lake may coordinate. What is ours in a plan travels through [`carry`]; where connections come
//! from is the caller's business ([`Dial`]), so that no cryptography is named here.
//!
//! A worker does what a coordinator asks and reads what its user may read: whoever can connect to
//! it can read all tables. Let nobody in who has not shown a certificate, or keep its socket in a
//! folder that only one user may enter.

mod carry;
mod channel;
mod once;
mod query;
mod worker;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use crate::error::{Error, Result};
use channel::Channels;

pub(crate) use carry::{Carry, there_and_back};
pub(crate) use query::{configure, of_query};
pub use worker::serve;

/// A worker that did not answer is asked again after so long.
const AGAIN: Duration = Duration::from_secs(10);

/// One connection between a coordinator and a worker, or between workers.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that is being made.
pub type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send>>;

/// Makes connections to workers.
pub trait Dial: Send + Sync {
    /// Connects to a worker's address, `unix:///path` or `https://host:port`.
    fn dial(&self, address: &Url) -> Dialled;
}

/// Connects to workers on this machine, by the sockets of their addresses.
#[derive(Debug, Clone, Copy)]
pub struct Sockets;

impl Dial for Sockets {
    fn dial(&self, address: &Url) -> Dialled {
        let address = address.clone();
        Box::pin(async move {
            if address.scheme() != "unix" {
                let what = format!("{address} is no socket of this machine");
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
            let stream = tokio::net::UnixStream::connect(address.path()).await?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// The workers that a lake gives parts of its queries to.
#[derive(Debug)]
pub struct Workers {
    known: Vec<Known>,
    channels: Arc<Channels>,
    bytes_per_task: usize,
}

#[derive(Debug)]
struct Known {
    address: Url,
    silent_since: Mutex<Option<Instant>>,
}

impl Workers {
    /// Workers at these addresses. A table is divided so that a task reads some `bytes_per_task`
    /// of its files; one that is smaller is not given away.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(addresses: &[String], bytes_per_task: usize, dial: Arc<dyn Dial>) -> Result<Self> {
        let known = addresses
            .iter()
            .map(|text| {
                let address = address(text)?;
                Ok(Known { address, silent_since: Mutex::new(None) })
            })
            .collect::<Result<Vec<_>>>()?;
        let channels = Arc::new(Channels::new(dial));
        Ok(Self { known, channels, bytes_per_task: bytes_per_task.max(1) })
    }

    /// The addresses of those that are not known to be silent.
    pub(crate) fn present(&self) -> Vec<Url> {
        let there = |known: &&Known| match *known.silent_since.lock() {
            Some(since) => since.elapsed() > AGAIN,
            None => true,
        };
        self.known.iter().filter(there).map(|known| known.address.clone()).collect()
    }

    /// The addresses, in the order in which they were given.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|known| known.address.as_str())
    }

    /// Asks each worker whether it is there; gives those that are not, and why.
    pub async fn silent(&self) -> Vec<Silent> {
        let ask = self.known.iter().map(|known| async {
            let why = self.channels.ask(&known.address).await.err();
            *known.silent_since.lock() = why.is_some().then(Instant::now);
            why.map(|why| Silent { address: known.address.to_string(), why: why.to_string() })
        });
        futures_util::future::join_all(ask).await.into_iter().flatten().collect()
    }
}

/// A worker that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// Where it should be
    pub address: String,
    /// Why not
    pub why: String,
}

/// An address of a worker.
///
/// # Errors
/// What is neither `unix:///path` nor `https://host:port`, or has more than that in it.
fn address(text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::Query(format!("{text:?} is no address of a worker: {why}"));
    let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    let bare = url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it says more than where"));
    }
    match url.scheme() {
        "unix" if url.host().is_none() && url.path().len() > 1 => Ok(url),
        "https" if url.host().is_some() && url.path() == "/" => Ok(url),
        _ => Err(wrong("it is neither unix:///path nor https://host:port")),
    }
}
