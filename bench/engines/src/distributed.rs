//! `datafusion-distributed`: a coordinator and its workers, with the library's own defaults.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_distributed::{
    DistributedExt as _, SessionStateBuilderExt as _, Worker, WorkerResolver,
};
use tonic::transport::Server;
use url::Url;

use crate::serve::{self, config};
use crate::{Asked, Outcome};

/// How long a worker on this machine may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(1);

/// Runs tasks of plans until it is killed.
///
/// # Errors
/// The port is taken.
pub(crate) async fn worker(port: u16) -> Outcome {
    let server = Server::builder().add_service(Worker::default().into_worker_server());
    Ok(server.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?)
}

/// Answers queries with workers at these ports.
///
/// # Errors
/// What ends the program.
pub(crate) async fn serve(asked: &Asked<'_>, ports: Vec<u16>) -> Outcome {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config(SessionConfig::new(), asked.n_partitions))
        .with_distributed_worker_resolver(Present(ports))
        .with_distributed_planner()
        .build();
    serve::serve(&SessionContext::new_with_state(state), asked).await
}

/// The workers that let somebody in now: the library leaves it to its user to know them.
struct Present(Vec<u16>);

impl WorkerResolver for Present {
    fn get_urls(&self) -> Result<Vec<Url>> {
        let lets_in = |port: &&u16| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, **port));
            TcpStream::connect_timeout(&address, CONNECT).is_ok()
        };
        self.0
            .iter()
            .filter(lets_in)
            .map(|port| {
                let url = Url::parse(&format!("http://127.0.0.1:{port}"));
                url.map_err(|error| DataFusionError::External(Box::new(error)))
            })
            .collect()
    }
}
