//! Tags, pages, limits, headers, figures, the portal's place.

use serde_json::json;

use super::Served;

const WORK_MEM: &str = "/api/v1/servers/demo/parameters/work_mem";

#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let served = Served::start();
    let tag = served.get(WORK_MEM).await.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    let again = served.raw("GET", WORK_MEM, &[("if-none-match", &tag)], "").await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let set = async |value: &str, tag: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        served.raw("PATCH", WORK_MEM, &headers, json!({ "value": value }).to_string()).await
    };
    assert_eq!(set("8192", &tag).await.status, 200);
    let late = set("1024", &tag).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (412, "precondition_failed"));
    assert_eq!(served.get(WORK_MEM).await.json()["value"], "8192");
    let dry =
        served.send("PATCH", &format!("{WORK_MEM}?dry_run=true"), &json!({ "value": "1" })).await;
    assert_eq!(dry.json()["dry_run"], true);
    assert_eq!(served.get(WORK_MEM).await.json()["value"], "8192");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let served = Served::start();
    let first = served.get("/api/v1/servers?limit=3").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let after = first["next"].as_str().unwrap();
    let rest = served.get(&format!("/api/v1/servers?limit=3&after={after}")).await.json();
    assert_eq!((&rest["items"][0]["name"], &rest["next"]), (&json!("demo"), &json!(null)));
    for bad in ["?limit=x", "?limit=-1", "?nonsense=1"] {
        let answer = served.get(&format!("/api/v1/servers{bad}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"), "{bad}");
    }
}

#[tokio::test]
async fn a_large_body_is_not_read() {
    let served = Served::start();
    let large = format!("{{\"value\":\"{}\"}}", "x".repeat(300 << 10));
    let json = [("content-type", "application/json")];
    let answer = served.raw("PATCH", WORK_MEM, &json, large).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "too_large"));
}

#[tokio::test]
async fn foreign_host_names_are_not_served() {
    let served = Served::start();
    let answer = served.raw("GET", "/healthz", &[("host", "evil.example")], "").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (421, "misdirected"));
    let answer = served.raw("GET", "/healthz", &[("host", "localhost:8443")], "").await;
    assert_eq!(answer.json(), json!({ "status": "ok" }));
}

#[tokio::test]
async fn every_answer_has_the_headers_of_a_careful_page() {
    let served = Served::start();
    for path in ["/", "/servers/demo", "/api/v1/servers", "/api/v1/nothing", "/healthz"] {
        let answer = served.get(path).await;
        let csp = answer.header("content-security-policy");
        assert!(csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"));
        assert!(!csp.contains("unsafe-eval") && !csp.contains("http"), "{csp}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_request_keeps_a_plain_id_and_gets_another_for_a_wild_one() {
    let served = Served::start();
    let answer = served.raw("GET", "/api/v1/x", &[("x-request-id", "abc-1")], "").await;
    assert_eq!(answer.json()["error"]["request_id"], "abc-1");
    let answer = served.raw("GET", "/healthz", &[("x-request-id", "a\"b<")], "").await;
    assert_eq!(answer.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn the_portal_has_every_path_that_the_api_has_not() {
    let served = Served::start();
    for path in ["/", "/servers/demo/networking", "/sign-in"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
    let missing = served.get("/assets/of-another-build.js").await;
    assert_eq!((missing.status.as_u16(), missing.code().as_str()), (404, "not_found"));
    let written = served.raw("POST", "/servers", &[], "").await;
    assert_eq!((written.status.as_u16(), written.code().as_str()), (405, "method_not_allowed"));
}

#[tokio::test]
async fn the_figures_name_operations_and_servers() {
    let served = Served::start();
    assert_eq!(served.get("/api/v1/servers").await.status, 200);
    assert_eq!(served.get("/api/v1/servers/nobody").await.status, 404);
    let figures = served.get("/metrics").await;
    let text = String::from_utf8(figures.body.to_vec()).unwrap();
    for line in [
        "pgkeep_http_requests_total{operation=\"server_list\",status=\"200\"} 1",
        "pgkeep_http_requests_total{operation=\"server_show\",status=\"404\"} 1",
        "pgkeep_http_request_duration_seconds_bucket{operation=\"server_list\",le=\"+Inf\"} 1",
        "pgkeep_server_state{server=\"demo\",state=\"Ready\"} 1",
        "pgkeep_jobs{state=\"running\"} 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
