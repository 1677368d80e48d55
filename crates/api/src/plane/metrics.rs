//! Figures for Prometheus: requests by operation and status, how long they took, jobs, states.
//!
//! Names of servers are no secret to whoever may read this; nothing else that names data is here.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::model::{JobState, Status};
use super::{Jobs, jobs};

/// Upper bounds of the durations that are told apart, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Samples are folded together after so many, whether anybody reads them or not.
const FOLD_EVERY: u64 = 1024;

/// All figures. Clones share them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    in_flight: AtomicU64,
    noted: AtomicU64,
}

/// A request that is being answered; counted until dropped.
pub(crate) struct Flight(Metrics);

impl Drop for Flight {
    fn drop(&mut self) {
        let _ = self.0.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets(&BUCKETS).expect("because there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::describe_counter!("pgkeep_http_requests_total", "Requests that were answered");
            metrics::describe_histogram!(
                "pgkeep_http_request_duration_seconds",
                "Time until an answer began"
            );
        });
        let (in_flight, noted) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { recorder, handle, in_flight, noted }))
    }
}

impl Metrics {
    /// Counts a request that has begun.
    pub(crate) fn begin(&self) -> Flight {
        let _ = self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        Flight(self.clone())
    }

    /// Counts one that was answered.
    pub(crate) fn note(&self, operation: &str, status: u16, took: Duration) {
        let operation = operation.to_owned();
        metrics::with_local_recorder(&self.0.recorder, || {
            let labels = [("operation", operation.clone()), ("status", status.to_string())];
            metrics::counter!("pgkeep_http_requests_total", &labels).increment(1);
            metrics::histogram!("pgkeep_http_request_duration_seconds", "operation" => operation)
                .record(took.as_secs_f64());
        });
        if self.0.noted.fetch_add(1, Ordering::Relaxed) % FOLD_EVERY == FOLD_EVERY - 1 {
            self.0.handle.run_upkeep();
        }
    }

    /// All figures in the text format of Prometheus.
    pub(crate) fn render(&self, jobs: &Jobs, status: Option<&Status>) -> String {
        let mut text = self.0.handle.render();
        let in_flight = self.0.in_flight.load(Ordering::Relaxed);
        gauge(&mut text, "pgkeep_http_requests_in_flight", "Requests that are being answered");
        let _ = writeln!(text, "pgkeep_http_requests_in_flight {in_flight}");
        gauge(&mut text, "pgkeep_jobs", "Jobs that go on, and the newest that have ended");
        for (state, n) in states_of(jobs) {
            let _ = writeln!(text, "pgkeep_jobs{{state=\"{state}\"}} {n}");
        }
        let Some(status) = status else { return text };
        gauge(&mut text, "pgkeep_vault_unsealed", "1 while the vault is open");
        let unsealed = u8::from(status.vault.state == "unsealed");
        let _ = writeln!(text, "pgkeep_vault_unsealed {unsealed}");
        gauge(&mut text, "pgkeep_server_state", "1 for the state that a server is in");
        for server in &status.servers {
            let (name, state) = (escape(&server.name), escape(&server.state));
            let _ = writeln!(text, "pgkeep_server_state{{server=\"{name}\",state=\"{state}\"}} 1");
        }
        gauge(&mut text, "pgkeep_server_warnings", "What deserves attention, of a server");
        for server in &status.servers {
            let (name, n) = (escape(&server.name), server.warnings.len());
            let _ = writeln!(text, "pgkeep_server_warnings{{server=\"{name}\"}} {n}");
        }
        text
    }
}

fn states_of(jobs: &jobs::Jobs) -> [(&'static str, usize); 3] {
    let all = jobs.all();
    let count = |state| all.iter().filter(|job| job.state == state).count();
    [
        ("running", count(JobState::Running)),
        ("succeeded", count(JobState::Succeeded)),
        ("failed", count(JobState::Failed)),
    ]
}

fn gauge(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
