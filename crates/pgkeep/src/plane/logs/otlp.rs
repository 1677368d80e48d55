//! Logs of OpenTelemetry: a request is divided into documents that the parser `otlp-logs` takes,
//! and stored as a whole.

use std::sync::Arc;

use api::plane::model::{OtlpLogs, OtlpTaken};
use base::{ExitCode, Fault};
use serde_json::{Value, json};
use siem::{Intake, Origin, Output, Record};

use super::feed::{Feed, Kept, Refusal};
use super::intake::came_of;
use super::sources::{Came, Known};
use super::{Logs, now};
use crate::process::blocking;

const PARSER: &str = "otlp-logs";
/// Where the records of a document stand.
const RECORDS: &str = "/resourceLogs/0/scopeLogs/0/logRecords";
/// Records of one document, and bytes: below what the parser takes at once.
const DOCUMENT_RECORDS: usize = 1000;
const DOCUMENT_BYTES: usize = 512 << 10;
/// Requests that are decoded at once: decoded ones are many times as large as sent ones.
const DECODED_MAX: usize = 2;

/// Places for requests that are decoded.
pub(super) struct Places(tokio::sync::Semaphore);

impl Default for Places {
    fn default() -> Self {
        Self(tokio::sync::Semaphore::new(DECODED_MAX))
    }
}

impl Logs {
    /// Takes a request in; answers once its records are stored.
    pub(crate) async fn otlp(
        self: Arc<Self>,
        by: &str,
        request: OtlpLogs,
    ) -> Result<OtlpTaken, Fault> {
        let name = format!("otlp/{by}");
        let logs = Arc::clone(&self);
        let place = self.otlp_places.0.acquire().await.expect("because it is never closed");
        let source = name.clone();
        let taken = blocking(move || logs.take_otlp(&source, &request)).await;
        drop(place);
        let taken = taken.and_then(|taken| taken);
        let known = Known { name: &name, kind: "otlp", parser: PARSER, reports: false };
        self.sources.note(known, None, taken.as_ref().copied());
        taken.map(|came| OtlpTaken { n_records: came.n_events, n_rejected: came.n_dead })
    }

    fn take_otlp(&self, source: &str, request: &OtlpLogs) -> Result<Came, Fault> {
        let documents = match request {
            OtlpLogs::Json(bytes) => documents(serde_json::from_slice(bytes).map_err(|e| {
                wrong(format!("it is no JSON at line {}, column {}", e.line(), e.column()))
            })?)?,
            OtlpLogs::Protobuf(bytes) => documents(decoded(bytes)?)?,
        };
        let feed = Feed {
            parser: Arc::new(self.parser(PARSER, None)?),
            origin: Origin { source: source.into(), given: Vec::new() },
        };
        let received_at = now();
        let (mut output, mut kept) = (Output::default(), Vec::new());
        let mut came = Came::default();
        for document in documents {
            let mut parts = vec![parsed(&feed, &document, kept.len(), received_at)];
            // One record that is not understood must not take those beside it along.
            let failed = parts[0].1.batches.is_empty() && !parts[0].1.dead.is_empty();
            if failed && n_records(&document) > 1 {
                let alone = singles(document).into_iter().enumerate();
                let alone =
                    alone.map(|(at, one)| parsed(&feed, &one, kept.len() + at, received_at));
                parts = alone.collect();
            }
            for (record, part) in parts {
                let of_part = came_of(&part);
                came.n_bytes += record.bytes.len() as u64;
                came.n_events += of_part.n_events;
                came.n_dead += of_part.n_dead;
                came.newest = came.newest.max(of_part.newest);
                output.batches.extend(part.batches);
                output.dead.extend(part.dead);
                kept.push(record);
            }
        }
        match self.store_output(output, None) {
            Ok(()) => Ok(came),
            Err(Refusal::All(fault)) => Err(fault),
            Err(Refusal::Rows(why)) => {
                came.n_dead += self.one_by_one(&feed, kept, received_at, None, &why)?;
                Ok(came)
            }
        }
    }
}

/// What the parser makes of a document. They have no places of their own; only each has another.
fn parsed(feed: &Feed, document: &Value, at: usize, received_at: i64) -> (Kept, Output) {
    let mut intake = Intake::new(Arc::clone(&feed.parser), feed.origin.clone());
    let (bytes, offset) = (document.to_string().into_bytes(), at as u64);
    intake.parse(&Record { bytes: &bytes, offset, defect: None }, received_at);
    (Kept { bytes, offset, end: 0, defect: None }, intake.take())
}

/// How many records a document of [`documents`] has.
fn n_records(document: &Value) -> usize {
    document.pointer(RECORDS).and_then(Value::as_array).map_or(0, Vec::len)
}

/// A document of [`documents`] in documents of one record each.
fn singles(mut document: Value) -> Vec<Value> {
    let Some(Value::Array(records)) = document.pointer_mut(RECORDS).map(Value::take) else {
        return vec![document];
    };
    let one = |record: Value| {
        let mut single = document.clone();
        if let Some(records) = single.pointer_mut(RECORDS) {
            *records = Value::Array(vec![record]);
        }
        single
    };
    records.into_iter().map(one).collect()
}

/// A request in documents of its own shape, each with some of the records.
fn documents(mut request: Value) -> Result<Vec<Value>, Fault> {
    let shape = || wrong("it is no request of logs".to_owned());
    let list = |value: &mut Value, name: &str| match value.get_mut(name).map(Value::take) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(all)) => Ok(all),
        Some(_) => Err(shape()),
    };
    if !request.is_object() {
        return Err(shape());
    }
    let mut documents = Vec::new();
    for mut resource in list(&mut request, "resourceLogs")? {
        for mut scope in list(&mut resource, "scopeLogs")? {
            let records = list(&mut scope, "logRecords")?;
            let mut records = records.into_iter().peekable();
            while records.peek().is_some() {
                let (mut some, mut n_bytes) = (Vec::new(), 0);
                while let Some(record) =
                    records.next_if(|_| some.len() < DOCUMENT_RECORDS && n_bytes < DOCUMENT_BYTES)
                {
                    n_bytes += size(&record);
                    some.push(record);
                }
                documents.push(json!({ "resourceLogs": [{
                    "resource": resource.get("resource"),
                    "scopeLogs": [{ "scope": scope.get("scope"), "logRecords": some }],
                }]}));
            }
        }
    }
    Ok(documents)
}

/// About how long a value is when written.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(all) => all.iter().map(|one| size(one) + 1).sum::<usize>() + 2,
        Value::Object(all) => all.iter().map(|(n, one)| n.len() + size(one) + 4).sum::<usize>() + 2,
        _ => 8,
    }
}

fn wrong(why: String) -> Fault {
    Fault::new("bad_request", "the request is not understood").detail(why).exit(ExitCode::Usage)
}

#[cfg(not(feature = "otlp"))]
fn decoded(_: &[u8]) -> Result<Value, Fault> {
    Err(Fault::new("unsupported_media_type", "this build reads OTLP as JSON only")
        .hint("send application/json, or build pgkeep with the feature otlp")
        .exit(ExitCode::Usage))
}

/// A request in protobuf, in the shape of the JSON encoding.
#[cfg(feature = "otlp")]
fn decoded(bytes: &[u8]) -> Result<Value, Fault> {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use prost::Message as _;
    let request = ExportLogsServiceRequest::decode(bytes)
        .map_err(|e| wrong(format!("it is no protobuf of logs: {e}")))?;
    let resources = request.resource_logs.into_iter().map(|resource| {
        let attributes = resource.resource.map(|about| proto::attributes(about.attributes));
        let scopes = resource.scope_logs.into_iter().map(|logs| {
            let scope = logs.scope.map(|scope| {
                json!({
                    "name": scope.name,
                    "version": scope.version,
                    "attributes": proto::attributes(scope.attributes),
                })
            });
            let records = logs.log_records.into_iter().map(proto::record);
            json!({ "scope": scope, "logRecords": records.collect::<Vec<_>>() })
        });
        json!({
            "resource": { "attributes": attributes },
            "scopeLogs": scopes.collect::<Vec<_>>(),
        })
    });
    Ok(json!({ "resourceLogs": resources.collect::<Vec<_>>() }))
}

#[cfg(feature = "otlp")]
mod proto {
    //! Messages in the JSON encoding of OTLP: identifiers in hex, 64 bits as text.

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::logs::v1::LogRecord;
    use serde_json::{Map, Value, json};

    pub(super) fn record(record: LogRecord) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            // What is not there is the default, which the encoding leaves out.
            let is_default = matches!(&value, Value::Null)
                || value == json!("")
                || value == json!(0)
                || value == json!("0")
                || value == json!([]);
            if !is_default {
                members.insert(name.to_owned(), value);
            }
        };
        put("timeUnixNano", json!(record.time_unix_nano.to_string()));
        put("observedTimeUnixNano", json!(record.observed_time_unix_nano.to_string()));
        put("severityNumber", json!(record.severity_number));
        put("severityText", json!(record.severity_text));
        put("body", record.body.map_or(Value::Null, any));
        put("attributes", attributes(record.attributes));
        put("droppedAttributesCount", json!(record.dropped_attributes_count));
        put("flags", json!(record.flags));
        put("traceId", json!(hex::encode(record.trace_id)));
        put("spanId", json!(hex::encode(record.span_id)));
        put("eventName", json!(record.event_name));
        Value::Object(members)
    }

    pub(super) fn attributes(all: Vec<KeyValue>) -> Value {
        let one = |pair: KeyValue| json!({ "key": pair.key, "value": pair.value.map(any) });
        Value::Array(all.into_iter().map(one).collect())
    }

    /// Nesting is bounded by the decoder.
    fn any(value: AnyValue) -> Value {
        match value.value {
            Some(Any::StringValue(text)) => json!({ "stringValue": text }),
            Some(Any::BoolValue(is)) => json!({ "boolValue": is }),
            Some(Any::IntValue(number)) => json!({ "intValue": number.to_string() }),
            Some(Any::DoubleValue(number)) => json!({ "doubleValue": number }),
            Some(Any::ArrayValue(all)) => {
                let all: Vec<Value> = all.values.into_iter().map(any).collect();
                json!({ "arrayValue": { "values": all } })
            }
            Some(Any::KvlistValue(all)) => {
                json!({ "kvlistValue": { "values": attributes(all.values) } })
            }
            Some(Any::BytesValue(bytes)) => json!({ "bytesValue": STANDARD.encode(bytes) }),
            // An index into a table that logs do not carry.
            Some(_) | None => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_request_is_divided_and_nothing_of_it_is_lost() {
        let record = |n: usize| json!({ "body": { "stringValue": format!("{n:0>700}") } });
        let records: Vec<Value> = (0..2500).map(record).collect();
        let request = json!({ "resourceLogs": [
            { "resource": { "attributes": [] }, "scopeLogs": [{ "scope": { "name": "s" },
              "logRecords": records }, { "logRecords": [] }] },
            { "scopeLogs": [{ "logRecords": [record(9999)] }] },
        ]});
        let found = documents(request).unwrap();
        assert!(found.iter().all(|document| document.to_string().len() < siem::RECORD_MAX));
        let back = found.iter().flat_map(|document| {
            document["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap()
        });
        assert_eq!(back.count(), 2501);
        assert_eq!(found[0]["resourceLogs"][0]["scopeLogs"][0]["scope"]["name"], "s");
        assert_eq!(documents(json!({})).unwrap(), [] as [Value; 0]);
        for bad in [json!([]), json!("x"), json!({ "resourceLogs": 1 })] {
            assert!(documents(bad).is_err());
        }
    }
}
