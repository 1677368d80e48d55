//! The providers of logs and spans: bounded queues, each emptied by a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{
    LogExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Metadata;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;

use super::BoxedLayer;
use super::client::{Client, SEND_MAX};
use crate::home::OtlpSettings;

/// So long the end of a process waits for each of the two queues.
const END_MAX: Duration = Duration::from_secs(1);
/// What sending itself has to say is not sent.
const OF_SENDING: [&str; 5] = ["hyper", "hyper_util", "reqwest", "rustls", "opentelemetry"];

/// What sends, to be ended with the process.
pub(super) struct Providers {
    logs: SdkLoggerProvider,
    spans: SdkTracerProvider,
}

impl Providers {
    pub(super) fn end(self) {
        // What does not get through by then is lost; the files have it.
        let _ = self.logs.shutdown_with_timeout(END_MAX);
        let _ = self.spans.shutdown_with_timeout(END_MAX);
    }
}

/// Makes the layer that takes events as logs and spans as spans.
pub(super) fn begin(
    settings: &OtlpSettings,
    process: &str,
    instance: &str,
) -> Result<(BoxedLayer, Providers), String> {
    let client: Arc<dyn HttpClient> = Arc::new(Client::new(settings)?);
    let base = settings.endpoint.trim_end_matches('/');
    // Only what is said here: the environment adds nothing.
    let resource = Resource::builder_empty()
        .with_service_name(process.to_owned())
        .with_attributes([
            KeyValue::new("service.namespace", "pgkeep"),
            KeyValue::new("service.instance.id", instance.to_owned()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    let logs = LogExporter::builder()
        .with_http()
        .with_shared_http_client(Arc::clone(&client))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/logs"))
        .with_timeout(SEND_MAX)
        .build()
        .map_err(|e| e.to_string())?;
    let spans = SpanExporter::builder()
        .with_http()
        .with_shared_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/traces"))
        .with_timeout(SEND_MAX)
        .build()
        .map_err(|e| e.to_string())?;
    let logs = SdkLoggerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(logs)
        .build();
    let spans =
        SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(spans).build();
    let of_spans = tracing_opentelemetry::layer()
        .with_tracer(spans.tracer("pgkeep"))
        .with_filter(filter_fn(|of| of.is_span() && is_ours(of)));
    let of_events = OpenTelemetryTracingBridge::new(&logs)
        .with_filter(filter_fn(|of| of.is_event() && is_ours(of)));
    Ok((of_spans.and_then(of_events).boxed(), Providers { logs, spans }))
}

fn is_ours(of: &Metadata<'_>) -> bool {
    let package = of.target().split("::").next().unwrap_or_default();
    !OF_SENDING.contains(&package)
}
