//! Nothing that an agent shows is lost on the way.

use serde_json::{Value, json};

use super::Server;

const AT: &str = "2026-01-02T03:04:05Z";

/// What `server::Show` writes, with every field.
fn show(customer: bool) -> Value {
    let mut encryption = json!({
        "mode": "SystemManaged", "key_uri": "servers", "key_version": "1",
        "identity": "demo", "last_validated_at": AT,
    });
    if customer {
        let failure = json!({ "cause": "disabled", "http_status": 403,
            "inner_code": "KeyDisabled", "message": "no" });
        let more = json!({
            "health": "lost", "provider": "azure-key-vault", "algorithm": "RSA-OAEP-256",
            "pinned": false, "wrapped_at": AT, "key_expires_at": null, "clock": "vault",
            "checked_at": AT, "next_check_at": AT, "grace_until": null, "failure": failure,
            "rewrap": { "to_version": null, "since": AT, "old_version_needed_until": AT,
                "failure": null },
            "policy": { "check_interval_s": 10, "grace_s": 300, "call_timeout_s": 5,
                "leeway_s": 2 },
        });
        for (name, value) in more.as_object().unwrap() {
            encryption[name] = value.clone();
        }
    }
    json!({
        "name": "demo", "id": "abc", "state": "Ready", "state_reason": "", "state_since": AT,
        "desired_state": "running", "port": 5432, "dsn": "postgresql://x", "major_version": 17,
        "created_at": AT, "data_encryption": encryption,
        "storage": {
            "engine": "cryptfs", "backing_dir": "/b", "mount_dir": "/m", "mounted": true,
            "device": "0:50",
            "stats": { "n_dirty_groups": 1, "n_dirty_files": 2, "n_log_syncs": 3,
                "n_tampered": 4, "read_bytes": 5, "written_bytes": 6 },
            "size_bytes": 1, "free_bytes": 1, "soft_limit_bytes": null, "read_only_since": null,
            "last_recovery": { "recovered_at": AT, "n_groups": 1, "n_accepted": 0, "files": [],
                "duration_ms": 3 },
            "n_tampers": 1,
            "tampers": [{ "found_at": AT, "file": "f", "unit": null, "reason": "r" }],
        },
        "tls": { "require_secure_transport": true, "min_protocol_version": "TLSv1.2",
            "source": "internal", "fingerprint": null, "not_after": AT, "renew_at": null },
        "restarts": { "n_restarts": 0, "last_at": null, "last_cause": null },
        "warnings": ["w"],
    })
}

#[test]
fn a_server_is_carried_whole() {
    for customer in [false, true] {
        let told = show(customer);
        // The words above are what the agents write today.
        let agents: server::Show = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(serde_json::to_value(agents).unwrap(), told);
        let carried: Server = serde_json::from_value(told.clone()).unwrap();
        assert_eq!(serde_json::to_value(carried).unwrap(), told);
    }
}

#[test]
fn a_server_whose_agent_is_silent_is_carried_too() {
    let told = json!({ "name": "demo", "state": "Stopped", "state_reason": "its agent does not \
        answer", "state_since": AT, "dsn": null, "port": 5432, "created_at": AT });
    let carried: Server = serde_json::from_value(told.clone()).unwrap();
    assert_eq!(serde_json::to_value(carried).unwrap(), told);
}
