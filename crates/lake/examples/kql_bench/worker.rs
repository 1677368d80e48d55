//! One worker, at a socket.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::stream;
use lake::beyond::{Sockets, Wire, serve};
use tokio::net::UnixListener;

pub(crate) fn run(socket: &Path, threads: usize) -> Result<(), Box<dyn Error>> {
    let limits = lake::Limits { threads, memory_bytes: 4 << 30, ..lake::Limits::default() };
    let accept = || {
        let listener = UnixListener::bind(socket)?;
        Ok(stream::unfold(listener, |listener| async {
            Some((accepted(&listener).await, listener))
        }))
    };
    serve(&limits, None, Arc::new(Sockets), accept, std::future::pending())?;
    Ok(())
}

async fn accepted(listener: &UnixListener) -> io::Result<Box<dyn Wire>> {
    let (stream, _) = listener.accept().await?;
    Ok(Box::new(stream))
}
