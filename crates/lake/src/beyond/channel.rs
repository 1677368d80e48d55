//! Connections to workers, each kept while it is used.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest,
    GetWorkerInfoResponse, MaybeEncoded, SetPlanRequest, WorkerChannel, WorkerToCoordinatorMsg,
};
use futures_util::stream::BoxStream;
use http::HeaderMap;
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tonic::transport::{Endpoint, Uri};
use tower::service_fn;
use url::Url;

use super::Dial;
use super::carry::bytes_of;

/// What a worker must be of to understand our plans.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long a worker may take to be there.
const CONNECT: Duration = Duration::from_secs(5);
/// Time between two looks at whether a silent worker is still there, and how long it may take.
const ALIVE: Duration = Duration::from_secs(10);

/// Connections by address.
pub(super) struct Channels {
    dial: Arc<dyn Dial>,
    open: Mutex<HashMap<Url, BoxCloneSyncChannel>>,
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels")
    }
}

impl Channels {
    pub(super) fn new(dial: Arc<dyn Dial>) -> Self {
        Self { dial, open: Mutex::default() }
    }

    async fn open(&self, address: &Url) -> Result<BoxCloneSyncChannel> {
        if let Some(channel) = self.open.lock().await.get(address) {
            return Ok(channel.clone());
        }
        let (dial, to) = (Arc::clone(&self.dial), address.clone());
        let connector = service_fn(move |_: Uri| {
            let dialled = dial.dial(&to);
            async move { Ok::<_, std::io::Error>(TokioIo::new(dialled.await?)) }
        });
        // The name is not looked up: whoever dials knows where to.
        let channel = Endpoint::from_static("http://worker")
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(ALIVE)
            .keep_alive_timeout(ALIVE)
            .keep_alive_while_idle(true)
            .connect_with_connector(connector)
            .await
            .map_err(|e| exec_datafusion_err!("the worker at {address} is not there: {e:?}"))?;
        let channel = BoxCloneSyncChannel::new(channel);
        let mut client = create_worker_client(channel.clone());
        let version = client.get_worker_info(GetWorkerInfoRequest {}).await?.version;
        if version != VERSION {
            return exec_err!("the worker at {address} is of version {version}, not {VERSION}");
        }
        self.open.lock().await.insert(address.clone(), channel.clone());
        Ok(channel)
    }

    /// Asks a worker whether it is there now.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) async fn ask(&self, address: &Url) -> Result<()> {
        let ask = async {
            let mut client = create_worker_client(self.open(address).await?);
            client.get_worker_info(GetWorkerInfoRequest {}).await
        };
        let asked = match tokio::time::timeout(CONNECT, ask).await {
            Ok(asked) => asked.map(drop),
            Err(_) => exec_err!("the worker at {address} does not answer"),
        };
        if asked.is_err() {
            self.open.lock().await.remove(address);
        }
        asked
    }
}

/// The connections as the engine asks for them.
#[derive(Debug, Clone)]
pub(super) struct Resolver(pub(super) Arc<Channels>);

#[async_trait]
impl ChannelResolver for Resolver {
    async fn get_worker_client_for_url(
        &self,
        url: &Url,
    ) -> Result<Box<dyn WorkerChannel>, DataFusionError> {
        let client = create_worker_client(self.0.open(url).await?);
        Ok(Box::new(Carrying(client)))
    }
}

/// Encodes plans our way before the engine would do it.
struct Carrying(Box<dyn WorkerChannel>);

#[async_trait]
impl WorkerChannel for Carrying {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        mut request: SetPlanRequest,
        messages: BoxStream<'static, CoordinatorToWorkerMsg>,
        metrics: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        if let MaybeEncoded::Decoded(plan) = request.plan {
            request.plan = MaybeEncoded::Encoded(bytes_of(plan)?);
        }
        self.0.coordinator_channel(headers, request, messages, metrics, context).await
    }

    async fn execute_task(
        &mut self,
        headers: HeaderMap,
        request: ExecuteTaskRequest,
        metrics: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        self.0.execute_task(headers, request, metrics, context).await
    }

    async fn get_worker_info(
        &mut self,
        request: GetWorkerInfoRequest,
    ) -> Result<GetWorkerInfoResponse> {
        self.0.get_worker_info(request).await
    }
}
