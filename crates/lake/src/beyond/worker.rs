//! A worker: runs tasks of plans that others cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{DistributedExt as _, Worker, WorkerQueryContext};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Builder;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::channel::{Channels, Resolver, VERSION};
use super::query::running_of;
use super::{Carry, Dial, Wire};
use crate::error::{Error, Result};
use crate::lake::{STACK_BYTES, environment, session_config};
use crate::limits::Limits;
use crate::store::Place;

/// Bytes of one message: a plan with the hot rows of its tables, or a batch of rows.
const MESSAGE_BYTES: usize = 1 << 30;

/// Answers on connections that come in until `stop` says so. All queries together hold at most
/// the memory of `limits`; each connection must be from somebody who may read all tables. `place`
/// is where those tables lie that are not on this machine: the same as the coordinator's.
///
/// # Errors
/// The system gives no threads, or connections no longer come.
pub fn serve<C>(
    limits: &Limits,
    place: Option<&dyn Place>,
    dial: Arc<dyn Dial>,
    accept: impl FnOnce() -> io::Result<C>,
    stop: impl Future<Output = ()>,
) -> Result<()>
where
    C: Stream<Item = io::Result<Box<dyn Wire>>> + Send,
{
    let runtime = Builder::new_multi_thread()
        .worker_threads(limits.threads.max(1))
        .thread_name("lake worker")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|e| Error::Query(format!("no threads for queries: {e}")))?;
    let tables = place.and_then(Place::engine);
    let environment = environment(limits, limits.memory_bytes, tables)?;
    let session = Session { environment, channels: Arc::new(Channels::new(dial)) };
    let build = move |query| std::future::ready(session.state(query));
    let worker = Worker::from_session_builder(build)
        .with_version(VERSION)
        .into_worker_server()
        .max_decoding_message_size(MESSAGE_BYTES);
    runtime.block_on(async {
        let incoming = accept().map_err(|e| Error::Query(format!("no socket: {e}")))?;
        let incoming = futures_util::StreamExt::map(incoming, |wire| wire.map(Connection));
        Server::builder()
            .add_service(worker)
            .serve_with_incoming_shutdown(incoming, stop)
            .await
            .map_err(|e| Error::Query(format!("a worker cannot go on: {e}")))
    })
}

/// What each task of a query gets.
struct Session {
    environment: Arc<RuntimeEnv>,
    channels: Arc<Channels>,
}

impl Session {
    fn state(&self, query: WorkerQueryContext) -> Result<SessionState, DataFusionError> {
        let WorkerQueryContext { mut builder, headers } = query;
        let running = running_of(&headers)?;
        let told = builder.config().take().unwrap_or_default();
        let config: SessionConfig = session_config(told).with_extension(Arc::new(running));
        Ok(builder
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.environment))
            .with_distributed_user_codec(Carry)
            .with_distributed_channel_resolver(Resolver(Arc::clone(&self.channels)))
            .build())
    }
}

/// A connection as the server wants it.
struct Connection(Box<dyn Wire>);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(context)
    }
}
