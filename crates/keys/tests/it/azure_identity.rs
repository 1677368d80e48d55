//! As whom a vault is asked: tokens over a unix socket, from a sign-in service, from files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use keys::azure::{Identity, SocketIdentity};
use keys::{Cause, KeyError, KeyProvider, Outage, WireOptions};
use serde_json::json;

use crate::contract::{cause, outage, secret};
use crate::fake_azure::FakeAzure;
use crate::http::{Request, Response, Server};

fn socket_identity(path: &Path) -> Identity {
    let wire = WireOptions::default();
    Identity::Socket(SocketIdentity::new(path, "1b7e-client", &wire).unwrap())
}

#[tokio::test]
async fn a_socket_gives_a_fresh_token_and_shows_at_once_that_the_identity_is_gone() {
    let vault = FakeAzure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.sock");
    let gone = Arc::new(AtomicBool::new(false));
    let (state, is_gone) = (Arc::clone(&vault.state), Arc::clone(&gone));
    let resource = vault.state.resource.lock().clone();
    let server = Server::unix(&path, move |request: Request| {
        assert_eq!((request.method.as_str(), request.path()), ("GET", "/msi/token"));
        for part in ["api-version=2019-08-01", "client_id=1b7e-client"] {
            assert!(request.target.contains(part), "{}", request.target);
        }
        assert!(request.target.contains("resource=https%3A%2F%2Fvault.localhost%3A"));
        if is_gone.load(Ordering::SeqCst) {
            return Response::json(400, &json!({"statusCode": 400, "message": "No identity"}));
        }
        let expires = (Timestamp::now().as_second() + 900).to_string();
        let token = state.next_token();
        Response::json(
            200,
            &json!({"access_token": token, "expires_on": expires, "resource": resource,
                    "token_type": "Bearer", "client_id": "1b7e-client"}),
        )
    });
    let key = vault.key_as("data-key", socket_identity(&path));
    assert_eq!(key.describe().identity, "managed identity 1b7e-client");
    let wrapped = key.wrap(&secret(&[3; 32])).await.unwrap();
    assert_eq!(key.unwrap(&wrapped).await.unwrap().expose(), &[3; 32]);
    gone.store(true, Ordering::SeqCst);
    assert_eq!(cause(key.unwrap(&wrapped).await), Cause::IdentityUnknown);
    gone.store(false, Ordering::SeqCst);
    key.unwrap(&wrapped).await.unwrap();
    drop(server);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(outage(key.unwrap(&wrapped).await), Outage::Refused);
}

#[tokio::test]
async fn odd_answers_of_the_socket_prove_nothing() {
    let vault = FakeAzure::start().await;
    for (n, (response, expected)) in [
        (Response::text(200, "{}"), Outage::NotAVault),
        (Response::text(404, "x"), Outage::NotAVault),
        (Response::text(500, "x"), Outage::ServerFailure),
        (
            Response::json(503, &json!({"error": {"code": "VaultSealed", "message": "sealed"}})),
            Outage::Sealed,
        ),
        (
            Response::json(200, &json!({"access_token": "a\nb", "expires_on": "1"})),
            Outage::NotAVault,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _server = Server::unix(&path, move |_| response.clone());
        let key = vault.key_as("data-key", socket_identity(&path));
        assert_eq!(outage(key.newest().await), expected, "case {n}");
    }
    assert!(SocketIdentity::new("relative", "id", &WireOptions::default()).is_err());
    assert!(SocketIdentity::new("/s", "id&x=y", &WireOptions::default()).is_err());
}

fn file(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path
}

#[tokio::test]
async fn applications_and_workloads_sign_in_each_time() {
    let vault = FakeAzure::start().await;
    let folder = tempfile::tempdir().unwrap();
    let refused = Arc::new(AtomicBool::new(false));
    let (state, is_refused) = (Arc::clone(&vault.state), Arc::clone(&refused));
    let entra = Server::https(&vault.authority, &["login.localhost"], move |request| {
        assert_eq!(request.path(), "/my-tenant/oauth2/v2.0/token");
        let body = String::from_utf8(request.body.clone()).unwrap();
        let proof =
            body.contains("client_secret=s3cret%21") || body.contains("client_assertion=federated");
        assert!(proof && body.contains("client_id=my-app"), "{body}");
        if is_refused.load(Ordering::SeqCst) {
            return Response::json(
                401,
                &json!({"error": "invalid_client", "error_codes": [7_000_215],
                        "error_description": "AADSTS7000215: Invalid client secret"}),
            );
        }
        let token = state.next_token();
        Response::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                    "access_token": token}),
        )
    })
    .await;
    let authority = Some(format!("https://login.localhost:{}", entra.port()));
    let (tenant_id, client_id) = ("my-tenant".to_owned(), "my-app".to_owned());
    let secret_file = file(folder.path(), "secret", "s3cret!\n");
    let token_file = file(folder.path(), "token", "federated");
    let identities = [
        Identity::ClientSecret {
            tenant_id: tenant_id.clone(),
            client_id: client_id.clone(),
            secret_file: secret_file.clone(),
            authority: authority.clone(),
        },
        Identity::Workload { tenant_id, client_id, token_file, authority },
    ];
    for identity in identities {
        let key = vault.key_as("data-key", identity);
        let before = vault.state.n_tokens();
        key.newest().await.unwrap();
        key.newest().await.unwrap();
        assert_eq!(vault.state.n_tokens(), before + 2, "a token was kept");
        refused.store(true, Ordering::SeqCst);
        let result = key.newest().await;
        assert_eq!(result.as_ref().unwrap_err().status(), Some(401));
        assert_eq!(cause(result), Cause::IdentityUnknown);
        refused.store(false, Ordering::SeqCst);
    }
    drop(entra);
    std::fs::set_permissions(&secret_file, PermissionsExt::from_mode(0o644)).unwrap();
    let open = Identity::ClientSecret {
        tenant_id: "my-tenant".to_owned(),
        client_id: "my-app".to_owned(),
        secret_file,
        authority: None,
    };
    let result = vault.key_as("data-key", open).newest().await;
    assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
}
