//! The Rust SDK. Its managed identity reads the environment of its process, so the client is this
//! very test program once more, started with what `pgkeep identity env` prints.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;

use azure_core::http::{ClientOptions, Transport};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use azure_security_keyvault_keys::models::{
    CreateKeyParameters, CurveName, EncryptionAlgorithm, GetRandomBytesParameters,
    ImportKeyParameters, JsonWebKey, Key, KeyAttributes, KeyClientGetKeyOptions,
    KeyOperationParameters, KeyRotationPolicy, KeyRotationPolicyAction,
    KeyRotationPolicyAttributes, KeyType, LifetimeAction, LifetimeActionTrigger,
    LifetimeActionType, ReleaseParameters, RestoreKeyParameters, SignParameters,
    SignatureAlgorithm, UpdateKeyPropertiesParameters, VerifyParameters,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions, ResourceExt as _};
use futures_util::TryStreamExt as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::Shop;

const SECRET: [u8; 32] = [0xa5; 32];

#[test]
fn the_rust_sdk_does_every_operation() {
    let shop = Shop::open();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "sdk::rust::a_client_of_its_environment", "--nocapture"]);
    shop.judge(again, &[("SSL_CERT_FILE", &shop.ca_file)]);
}

/// Does nothing by itself: the test above runs it, in an environment with a vault.
#[test]
fn a_client_of_its_environment() {
    let Ok(uri) = std::env::var("KEY_VAULT_URI") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(every_operation(&uri)).unwrap();
}

fn held(operation: &str) {
    // Begins a line of its own: the test program prints before its tests do.
    println!("\nheld: {operation}");
}

fn transport() -> Transport {
    let file = std::env::var("SSL_CERT_FILE").unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    Transport::new(Arc::new(client))
}

fn client(uri: &str) -> azure_core::Result<KeyClient> {
    let client_options = || ClientOptions { transport: Some(transport()), ..Default::default() };
    let id = std::env::var("AZURE_CLIENT_ID").unwrap();
    let credential = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
        user_assigned_id: Some(UserAssignedId::ClientId(id)),
        client_options: client_options(),
    }))?;
    let options = KeyClientOptions { client_options: client_options(), ..Default::default() };
    KeyClient::new(uri, credential, Some(options))
}

#[track_caller]
fn refused<T>(outcome: azure_core::Result<T>, status: u16) {
    match outcome {
        Ok(_) => panic!("was let pass, expected {status}"),
        Err(e) => assert_eq!(e.http_status().map(u16::from), Some(status), "{e}"),
    }
}

fn version_of(key: &Key) -> Option<String> {
    key.resource_id().unwrap().version
}

async fn every_operation(uri: &str) -> azure_core::Result<()> {
    let client = &client(uri)?;
    create_and_read(client).await?;
    change(client).await?;
    encrypt_and_wrap(client).await?;
    sign(client).await?;
    rotate(client).await?;
    back_up(client).await?;
    delete(client).await?;
    let wanted = GetRandomBytesParameters { count: Some(32) };
    let random = client.get_random_bytes(wanted.try_into()?, None).await?.into_model()?;
    assert_eq!(random.value.unwrap().len(), 32);
    held("random");
    let asked = ReleaseParameters {
        target_attestation_token: Some("a.b.c".to_owned()),
        ..Default::default()
    };
    refused(client.release("rsa", asked.try_into()?, None).await, 403);
    held("release");
    refused(client.get_key_attestation("rsa", None).await, 403);
    held("attestation");
    Ok(())
}

async fn create(client: &KeyClient, name: &str, kty: KeyType) -> azure_core::Result<Key> {
    let curve = (kty == KeyType::Ec).then_some(CurveName::P384);
    let asked = CreateKeyParameters { kty: Some(kty), curve, ..Default::default() };
    client.create_key(name, asked.try_into()?, None).await?.into_model()
}

async fn create_and_read(client: &KeyClient) -> azure_core::Result<()> {
    let first = create(client, "rsa", KeyType::Rsa).await?;
    let second = create(client, "rsa", KeyType::Rsa).await?;
    let _ = create(client, "ec", KeyType::Ec).await?;
    held("create");
    let newest = client.get_key("rsa", None).await?.into_model()?;
    assert_eq!(version_of(&newest), version_of(&second));
    let options = KeyClientGetKeyOptions { key_version: version_of(&first), ..Default::default() };
    let older = client.get_key("rsa", Some(options)).await?.into_model()?;
    assert_eq!(older.key.unwrap().n, first.key.unwrap().n);
    refused(client.get_key("nobody", None).await, 404);
    held("get");
    let versions: Vec<_> = client.list_key_properties_versions("rsa", None)?.try_collect().await?;
    assert_eq!(versions.len(), 2);
    held("versions");
    for number in 0..25 {
        let _ = create(client, &format!("page-{number}"), KeyType::Ec).await?;
    }
    let keys: Vec<_> = client.list_key_properties(None)?.try_collect().await?;
    assert_eq!(keys.len(), 27, "more than a page");
    held("list");
    Ok(())
}

async fn change(client: &KeyClient) -> azure_core::Result<()> {
    let tags = HashMap::from([("a".to_owned(), "b".to_owned())]);
    let asked = UpdateKeyPropertiesParameters {
        key_attributes: Some(KeyAttributes { enabled: Some(false), ..Default::default() }),
        tags: Some(tags.clone()),
        ..Default::default()
    };
    let changed = client.update_key_properties("page-1", asked.try_into()?, None).await?;
    let changed = changed.into_model()?;
    assert_eq!(changed.attributes.unwrap().enabled, Some(false));
    assert_eq!(changed.tags, Some(tags));
    held("update");
    let asked = ImportKeyParameters {
        key: Some(JsonWebKey {
            kty: Some(KeyType::Oct),
            k: Some(SECRET.to_vec()),
            key_ops: Some(vec!["wrapKey".to_owned(), "unwrapKey".to_owned()]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let imported = client.import_key("oct", asked.try_into()?, None).await?.into_model()?;
    assert_eq!(imported.key.unwrap().k, None);
    held("import");
    Ok(())
}

fn operation(algorithm: &EncryptionAlgorithm, value: &[u8]) -> KeyOperationParameters {
    KeyOperationParameters {
        algorithm: Some(algorithm.clone()),
        value: Some(value.to_vec()),
        ..Default::default()
    }
}

async fn encrypt_and_wrap(client: &KeyClient) -> azure_core::Result<()> {
    let rsa = [
        EncryptionAlgorithm::RsaOaep,
        EncryptionAlgorithm::RsaOaep256,
        EncryptionAlgorithm::Rsa1_5,
    ];
    for algorithm in &rsa {
        let asked = operation(algorithm, &SECRET);
        let sealed = client.encrypt("rsa", asked.try_into()?, None).await?.into_model()?;
        let asked = operation(algorithm, &sealed.result.unwrap());
        let opened = client.decrypt("rsa", &version(&sealed.kid), asked.try_into()?, None).await?;
        assert_eq!(opened.into_model()?.result.unwrap(), SECRET);
    }
    held("encrypt");
    held("decrypt");
    let cases = rsa.iter().map(|algorithm| ("rsa", algorithm));
    for (name, algorithm) in cases.chain([("oct", &EncryptionAlgorithm::A256Kw)]) {
        let asked = operation(algorithm, &SECRET);
        let wrapped = client.wrap_key(name, asked.try_into()?, None).await?.into_model()?;
        let asked = operation(algorithm, &wrapped.result.unwrap());
        let version = version(&wrapped.kid);
        let opened = client.unwrap_key(name, &version, asked.try_into()?, None).await?;
        assert_eq!(opened.into_model()?.result.unwrap(), SECRET);
    }
    held("wrapkey");
    held("unwrapkey");
    Ok(())
}

fn version(kid: &Option<String>) -> String {
    kid.as_ref().unwrap().rsplit('/').next().unwrap().to_owned()
}

async fn sign(client: &KeyClient) -> azure_core::Result<()> {
    for (name, algorithm, digest) in [
        ("rsa", SignatureAlgorithm::Ps256, vec![1; 32]),
        ("rsa", SignatureAlgorithm::Rs512, vec![1; 64]),
        ("ec", SignatureAlgorithm::Es384, vec![1; 48]),
    ] {
        let asked =
            SignParameters { algorithm: Some(algorithm.clone()), value: Some(digest.clone()) };
        let signed = client.sign(name, asked.try_into()?, None).await?.into_model()?;
        for (digest, fits) in [(digest.clone(), true), (vec![2; digest.len()], false)] {
            let asked = VerifyParameters {
                algorithm: Some(algorithm.clone()),
                digest: Some(digest),
                signature: signed.result.clone(),
            };
            let version = version(&signed.kid);
            let said = client.verify(name, &version, asked.try_into()?, None).await?;
            assert_eq!(said.into_model()?.value, Some(fits), "{algorithm:?}");
        }
    }
    held("sign");
    held("verify");
    Ok(())
}

async fn rotate(client: &KeyClient) -> azure_core::Result<()> {
    let before = client.get_key_rotation_policy("rsa", None).await?.into_model()?;
    assert_eq!(before.lifetime_actions.unwrap().len(), 1, "the notice that every key has");
    held("get rotation policy");
    let asked = KeyRotationPolicy {
        attributes: Some(KeyRotationPolicyAttributes {
            expiry_time: Some("P1Y".to_owned()),
            ..Default::default()
        }),
        lifetime_actions: Some(vec![LifetimeAction {
            action: Some(LifetimeActionType { type_prop: Some(KeyRotationPolicyAction::Rotate) }),
            trigger: Some(LifetimeActionTrigger {
                time_after_create: Some("P6M".to_owned()),
                time_before_expiry: None,
            }),
        }]),
        ..Default::default()
    };
    let policy = client.update_key_rotation_policy("rsa", asked.try_into()?, None).await?;
    assert_eq!(policy.into_model()?.attributes.unwrap().expiry_time.as_deref(), Some("P1Y"));
    held("set rotation policy");
    let old = client.get_key("rsa", None).await?.into_model()?;
    let new = client.rotate_key("rsa", None).await?.into_model()?;
    assert_ne!(new.key.as_ref().unwrap().n, old.key.unwrap().n);
    assert!(new.attributes.unwrap().expires.is_some());
    held("rotate");
    Ok(())
}

async fn back_up(client: &KeyClient) -> azure_core::Result<()> {
    let kept = client.get_key("ec", None).await?.into_model()?;
    let backup = client.backup_key("ec", None).await?.into_model()?;
    held("backup");
    let restore = || RestoreKeyParameters { key_backup: backup.value.clone() };
    refused(client.restore_key(restore().try_into()?, None).await, 409);
    let _ = client.delete_key("ec", None).await?;
    let _ = client.purge_deleted_key("ec", None).await?;
    let restored = client.restore_key(restore().try_into()?, None).await?.into_model()?;
    assert_eq!(version_of(&restored), version_of(&kept));
    held("restore");
    Ok(())
}

async fn delete(client: &KeyClient) -> azure_core::Result<()> {
    let gone = client.delete_key("page-0", None).await?.into_model()?;
    assert!(gone.scheduled_purge_date.unwrap() > gone.deleted_date.unwrap());
    refused(client.get_key("page-0", None).await, 404);
    held("delete");
    let shown = client.get_deleted_key("page-0", None).await?.into_model()?;
    assert!(shown.recovery_id.is_some());
    held("get deleted");
    let all: Vec<_> = client.list_deleted_key_properties(None)?.try_collect().await?;
    assert_eq!(all.len(), 1);
    held("list deleted");
    let back = client.recover_deleted_key("page-0", None).await?.into_model()?;
    assert_eq!(back.key.unwrap().kid, gone.key.unwrap().kid);
    held("recover");
    let _ = client.delete_key("page-0", None).await?;
    let _ = client.purge_deleted_key("page-0", None).await?;
    refused(client.get_deleted_key("page-0", None).await, 404);
    held("purge");
    Ok(())
}
