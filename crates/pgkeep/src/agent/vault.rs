//! The vault as the agent sees it: keys and certificates over its unix socket.

use std::path::PathBuf;
use std::time::Duration;

use base::{Fault, ServerName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::DataKey;
use serde_json::{Value, json};
use server::{CertificateAuthority, KeySource, Signed, WrappedKey};
use zeroize::Zeroizing;

use crate::rpc;

/// An RSA operation and an audit record take no longer, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(25);

/// Calls the vault in the name of one server.
#[derive(Clone, Debug)]
pub(super) struct VaultClient {
    socket: PathBuf,
    name: ServerName,
}

impl VaultClient {
    pub(super) fn new(socket: PathBuf, name: ServerName) -> Self {
        Self { socket, name }
    }

    async fn call(&self, op: &str, args: Value) -> Result<Value, Fault> {
        rpc::call_within(&self.socket, DEADLINE, op, args, |_| {}).await
    }
}

impl KeySource for VaultClient {
    fn identity(&self) -> String {
        self.name.to_string()
    }

    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, Fault> {
        // The call overwrites its arguments when they are sent.
        let plaintext = STANDARD.encode(key.expose());
        let args = json!({ "server": self.name, "plaintext": plaintext });
        drop(Zeroizing::new(plaintext));
        let answer = self.call("wrap", args).await?;
        Ok(WrappedKey {
            key_id: text(&answer, "key_id")?,
            key_version: text(&answer, "key_version")?,
            algorithm: text(&answer, "algorithm")?,
            value: text(&answer, "wrapped")?,
        })
    }

    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, Fault> {
        let args = json!({
            "server": self.name,
            "wrapped": wrapped.value,
            "key_version": wrapped.key_version,
        });
        let mut answer = self.call("unwrap", args).await?;
        let key = text(&answer, "plaintext").and_then(|text| decode_key(&Zeroizing::new(text)));
        rpc::scrub(&mut answer);
        key
    }
}

impl CertificateAuthority for VaultClient {
    async fn sign(&self, csr_pem: &str) -> Result<Signed, Fault> {
        let args = json!({ "server": self.name, "csr": csr_pem });
        let answer = self.call("certificate-sign", args).await?;
        Ok(Signed { chain_pem: text(&answer, "chain")?, ca_pem: text(&answer, "ca")? })
    }

    async fn certificate(&self) -> Result<String, Fault> {
        text(&self.call("ca", Value::Null).await?, "pem")
    }
}

/// A data key from base64; decoded into buffers that are overwritten.
fn decode_key(text: &str) -> Result<DataKey, Fault> {
    let malformed = || Fault::new("bad_key", "the vault gave a key of another size");
    let mut buffer = Zeroizing::new([0_u8; 36]);
    let n = STANDARD.decode_slice(text, &mut *buffer).map_err(|_| malformed())?;
    let mut key: Zeroizing<[u8; 32]> = Zeroizing::new([0; 32]);
    if n != key.len() {
        return Err(malformed());
    }
    key.copy_from_slice(&buffer[..n]);
    Ok(DataKey::take(&mut key))
}

fn text(answer: &Value, field: &str) -> Result<String, Fault> {
    answer.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        Fault::new("bad_answer", format!("the vault's answer has no \"{field}\""))
            .hint("are both of the same version? run pgkeep down, then pgkeep up")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_keys_of_32_bytes_only() {
        let key = decode_key(&STANDARD.encode([7; 32])).unwrap();
        assert_eq!(key.expose(), &[7; 32]);
        for bad in [vec![7; 31], vec![7; 33], vec![7; 64], vec![]] {
            assert!(decode_key(&STANDARD.encode(bad)).is_err());
        }
        assert!(decode_key("not base64").is_err());
    }
}
