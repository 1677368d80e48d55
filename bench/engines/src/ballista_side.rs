//! `ballista`: a scheduler, its executors and a client, with the library's own defaults but for
//! where they listen, and how soon an executor is missed where that is asked for.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use ballista::prelude::{SessionConfigExt as _, SessionContextExt as _};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::serve::{self, config};
use crate::{Asked, Outcome};

/// How soon an executor that is silent is missed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Watch {
    /// A beat a minute, missed after three minutes
    Default,
    /// A beat a second, missed after three
    Short,
}

impl FromStr for Watch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self::Default),
            "short" => Ok(Self::Short),
            _ => Err(format!("\"{text}\" is neither default nor short")),
        }
    }
}

/// Gives tasks to executors until it is killed.
///
/// # Errors
/// The port is taken.
pub(crate) async fn scheduler(port: u16, watch: Watch) -> Outcome {
    let mut settings = SchedulerConfig::default().with_hostname("127.0.0.1").with_port(port);
    if let Watch::Short = watch {
        settings.executor_timeout_seconds = 3;
        settings.expire_dead_executor_interval_seconds = 1;
    }
    let cluster = BallistaCluster::new_from_config(&settings).await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(start_server(cluster, address, Arc::new(settings)).await?)
}

/// Where an executor finds its scheduler and is found.
pub(crate) struct Executor<'a> {
    pub(crate) scheduler: u16,
    pub(crate) port: u16,
    pub(crate) grpc_port: u16,
    /// What it gives to others lies here
    pub(crate) folder: &'a str,
    pub(crate) n_threads: usize,
    pub(crate) watch: Watch,
}

/// Runs tasks until it is killed.
///
/// # Errors
/// A port is taken, or there is no scheduler.
pub(crate) async fn executor(executor: &Executor<'_>) -> Outcome {
    let mut settings = ExecutorProcessConfig {
        external_host: Some("127.0.0.1".to_owned()),
        port: executor.port,
        grpc_port: executor.grpc_port,
        scheduler_host: "127.0.0.1".to_owned(),
        scheduler_port: executor.scheduler,
        vcores: executor.n_threads,
        work_dir: Some(executor.folder.to_owned()),
        ..ExecutorProcessConfig::default()
    };
    if let Watch::Short = executor.watch {
        settings.executor_heartbeat_interval_seconds = 1;
    }
    Ok(start_executor_process(Arc::new(settings)).await?)
}

/// Answers queries through the scheduler at this port.
///
/// # Errors
/// What ends the program.
pub(crate) async fn serve(asked: &Asked<'_>, scheduler: u16) -> Outcome {
    let settings = config(SessionConfig::new_with_ballista(), asked.n_partitions);
    let state = SessionStateBuilder::new().with_default_features().with_config(settings).build();
    let url = format!("df://127.0.0.1:{scheduler}");
    serve::serve(&SessionContext::remote_with_state(&url, state).await?, asked).await
}
