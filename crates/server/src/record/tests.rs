//! The record survives a round trip and is refused, never guessed at, when it is not readable.

use super::*;

/// A plausible record.
pub(crate) fn sample() -> ServerRecord {
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    ServerRecord {
        format_version: FORMAT_VERSION,
        name: ServerName::new("demo").unwrap(),
        id: "00000000-0000-4000-8000-000000000000".to_owned(),
        provisioned: true,
        port: 5432,
        created_at: now,
        postgres: Postgres { bin_dir: "/usr/lib/postgresql/15/bin".into(), major: 15 },
        data_encryption: DataEncryption {
            mode: EncryptionMode::SystemManaged,
            identity: "demo".to_owned(),
            wrapped_key: WrappedKey {
                key_id: "service".to_owned(),
                key_version: "1".to_owned(),
                algorithm: "RSA-OAEP-256".to_owned(),
                value: "AAAA".to_owned(),
            },
            last_validated_at: now,
            customer: None,
        },
        desired_state: DesiredState::Running,
        tls: TlsRecord {
            source: TlsSource::Internal,
            host: "localhost".to_owned(),
            require_secure_transport: true,
            min_protocol_version: "TLSv1.2".to_owned(),
            fingerprint: None,
            not_before: None,
            not_after: None,
            reissue: false,
        },
        read_only_since: None,
        space_soft_limit_bytes: None,
    }
}

#[test]
fn comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.json");
    assert_eq!(ServerRecord::load(&path).unwrap(), None);
    sample().save(&path).unwrap();
    assert_eq!(ServerRecord::load(&path).unwrap(), Some(sample()));
}

#[test]
fn refuses_what_it_does_not_understand() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.json");
    let mut newer = serde_json::to_value(sample()).unwrap();
    newer["format_version"] = (FORMAT_VERSION + 1).into();
    let mut keyless = serde_json::to_value(sample()).unwrap();
    keyless["data_encryption"]["mode"] = "CustomerManaged".into();
    let cases = [
        (String::new(), "record_damaged"),
        ("{}".to_owned(), "record_damaged"),
        ("{\"format_version\":1}".to_owned(), "record_damaged"),
        ("x".repeat(300 * 1024), "record_damaged"),
        (newer.to_string(), "record_too_new"),
        (keyless.to_string(), "record_damaged"),
    ];
    for (text, code) in cases {
        std::fs::write(&path, &text).unwrap();
        let fault = base::Fault::from(ServerRecord::load(&path).unwrap_err());
        assert_eq!(fault.code, code, "{}", &text[..text.len().min(60)]);
    }
}

#[test]
fn a_record_of_the_first_format_is_read_and_written_in_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.json");
    let mut old = serde_json::to_value(sample()).unwrap();
    old["format_version"] = 1.into();
    assert!(old["data_encryption"].get("customer").is_none());
    std::fs::write(&path, old.to_string()).unwrap();
    let read = ServerRecord::load(&path).unwrap().unwrap();
    assert_eq!(read, sample());
    read.save(&path).unwrap();
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["format_version"], 2);
}

#[test]
fn an_exchange_loses_neither_wrapping() {
    let mut encryption = customer_managed();
    let (first, second) = (encryption.wrapping().unwrap(), encryption.candidate().cloned());
    encryption.exchange();
    assert_eq!(encryption.wrapping(), second);
    assert_eq!(encryption.candidate(), Some(&first));
    let text = serde_json::to_string(&encryption).unwrap();
    assert_eq!(serde_json::from_str::<DataEncryption>(&text).unwrap(), encryption);
}

/// A key of the owner's with a candidate.
fn customer_managed() -> DataEncryption {
    let sample = sample().data_encryption;
    let canary = Canary { wrapped: sample.wrapped_key.clone(), digest: "00".to_owned() };
    let mut encryption = DataEncryption {
        mode: EncryptionMode::CustomerManaged,
        customer: Some(CustomerManaged {
            key_uri: "https://hr.vault.localhost/keys/db".to_owned(),
            principal: Some("1".to_owned()),
            provider: "azure-key-vault".to_owned(),
            pinned: false,
            canary,
            wrapped_at: sample.last_validated_at,
            candidate: None,
            policy: KeyPolicy::default(),
            lost: None,
        }),
        ..sample
    };
    let mut candidate = encryption.wrapping().unwrap();
    candidate.wrapped_key.key_version = "2".to_owned();
    candidate.reference.identity = "other".to_owned();
    encryption.customer.as_mut().unwrap().candidate = Some(candidate);
    encryption
}
