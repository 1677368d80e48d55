//! The two ways in whose shape others have fixed.

use std::io::Write as _;

use serde_json::json;

use super::Served;

const STREAM: &str = "/dataCollectionRules/dcr-1/streams/Custom-Shop_CL?api-version=2023-01-01";
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn rows_are_pushed_as_to_azure_monitor() {
    let served = Served::start();
    let rows = json!([{ "TimeGenerated": "2026-11-27T13:59:05Z", "n": 1 }]).to_string();
    let taken = served.raw("POST", STREAM, &[JSON], rows.clone()).await;
    assert_eq!((taken.status.as_u16(), taken.body.len()), (204, 0));
    let taken = served.raw("POST", STREAM, &[JSON, GZIP], packed(rows.as_bytes())).await;
    assert_eq!(taken.status, 204);

    let large = format!("[{}]", " ".repeat(1 << 20));
    for (what, path, headers, body, status, code) in [
        (
            "a version",
            "/dataCollectionRules/d/streams/Custom-A_CL",
            vec![JSON],
            rows.clone(),
            400,
            "InvalidRequest",
        ),
        (
            "a stream",
            "/dataCollectionRules/d/streams/A_CL?api-version=2023-01-01",
            vec![JSON],
            rows.clone(),
            400,
            "InvalidStream",
        ),
        ("an array", STREAM, vec![JSON], "{}".to_owned(), 400, "InvalidRequest"),
        ("a type", STREAM, vec![], rows.clone(), 415, "UnsupportedMediaType"),
        ("a size", STREAM, vec![JSON], large.clone(), 413, "ContentLengthLimitExceeded"),
        ("a packing", STREAM, vec![JSON, GZIP], rows.clone(), 400, "InvalidRequest"),
        (
            "a known packing",
            STREAM,
            vec![JSON, ("content-encoding", "br")],
            rows,
            415,
            "UnsupportedMediaType",
        ),
    ] {
        let refused = served.raw("POST", path, &headers, body).await;
        let said = refused.json()["error"]["code"].clone();
        assert_eq!((refused.status.as_u16(), said), (status, json!(code)), "{what}");
        assert_eq!(refused.header("x-ms-error-code"), code, "{what}");
    }
    // What unpacks to more than is taken is not unpacked to its end.
    for (n_mib, status) in [(1, 204), (3, 413)] {
        let padded = format!("[{}]", " ".repeat(n_mib << 20));
        let sent = served.raw("POST", STREAM, &[JSON, GZIP], packed(padded.as_bytes())).await;
        assert_eq!(sent.status, status, "{n_mib}");
    }
}

#[tokio::test]
async fn logs_of_opentelemetry_are_taken_in_both_encodings() {
    let served = Served::start();
    let taken = served.raw("POST", "/v1/logs", &[JSON], "{\"resourceLogs\":[]}").await;
    assert_eq!((taken.status.as_u16(), taken.json()), (200, json!({})));
    let protobuf = ("content-type", "application/x-protobuf");
    let taken = served.raw("POST", "/v1/logs", &[protobuf, GZIP], packed(b"")).await;
    assert_eq!((taken.status.as_u16(), taken.body.len()), (200, 0));
    assert_eq!(taken.header("content-type"), "application/x-protobuf");
    let other = served.raw("POST", "/v1/logs", &[("content-type", "text/plain")], "").await;
    assert_eq!(other.status, 415);
    let large = served.raw("POST", "/v1/logs", &[JSON], " ".repeat((4 << 20) + 1)).await;
    assert_eq!(large.status, 413);
    let other = served.get("/v1/logs").await;
    assert_eq!((other.status.as_u16(), other.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_push_is_no_act_and_a_refused_one_is() {
    let served = Served::start();
    let _ = served.raw("POST", STREAM, &[JSON], "[]").await;
    let _ = served.raw("POST", STREAM, &[JSON], "{}").await;
    let acts = served.get("/api/v1/activity?operation=logs_push").await.json();
    let acts = acts["items"].as_array().unwrap();
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!(acts[0]["status"], 400);
}
