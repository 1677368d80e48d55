//! The service-managed key of servers and the internal authority.

use base::{Changed, Secret, ServerName};
use crypto::{constant_time_eq, sha256};

use crate::authority::ServerCertificate;
use crate::core::Planned;
use crate::identity::{Caller, Identity};
use crate::ledger::Draft;
use crate::sealing::SERVICE_RESOURCE;
use crate::store::Address;
use crate::world::{Service, World, kind};
use crate::{Error, SignedCertificate, Subject, Vault};

const SERVICE_KEY: &str = "service-managed";
/// Length of a data key in bytes.
const DATA_KEY_BYTES: usize = 32;

/// The service-managed key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name.
    pub name: &'static str,
    /// Counts from 1.
    pub version: u32,
    /// Kind and size, for a person.
    pub kty: &'static str,
}

/// A wrapped data key and what wrapped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The wrapped bytes.
    pub bytes: Vec<u8>,
    /// The wrapping key.
    pub key: KeyInfo,
}

impl Vault {
    /// The service-managed key.
    pub fn key_info(&self) -> Result<KeyInfo, Error> {
        Ok(info(&self.core.world()?.service))
    }

    /// The certificate of the internal authority, PEM: public.
    pub fn ca_pem(&self) -> Result<String, Error> {
        Ok(self.core.world()?.service.authority.pem().to_owned())
    }

    /// Registers the identity of a server: from now on `uid` may use its key.
    pub fn key_create(
        &self,
        caller: Caller<'_>,
        server: &ServerName,
        uid: u32,
    ) -> Result<(KeyInfo, Changed), Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(&format!("server/{server}"));
        core.local(caller, "ServerKeyCreate", SERVICE_RESOURCE, server.as_str(), || {
            core.policy.as_registrar(caller)?;
            let world = core.world()?;
            let key = info(&world.service);
            match world.servers.get(server.as_str()) {
                Some(identity) if identity.uid == uid => {
                    return Ok(Planned::read((key, Changed::Unchanged)));
                }
                Some(_) => {
                    let message = format!("server \"{server}\" has an identity of another OS user");
                    return Err(Error::Conflict(message));
                }
                None => {}
            }
            let identity = Identity { server: server.clone(), uid, created_at: core.clock.now() };
            let plain = serde_json::to_vec(&identity).expect("because an identity is plain data");
            let draft = Draft::put(address(server), &world.system, Secret::new(plain));
            Ok(Planned::change((key, Changed::Changed), vec![draft], move |world| {
                world.servers.insert(identity.server.as_str().to_owned(), identity);
            }))
        })
    }

    /// Forgets the identity of a server: its wrapped key opens no more.
    pub fn release(&self, caller: Caller<'_>, server: &ServerName) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.read();
        let _name = core.lock_name(&format!("server/{server}"));
        core.local(caller, "ServerKeyRelease", SERVICE_RESOURCE, server.as_str(), || {
            core.policy.as_registrar(caller)?;
            if !core.world()?.servers.contains_key(server.as_str()) {
                return Ok(Planned::read(Changed::Unchanged));
            }
            let name = server.as_str().to_owned();
            Ok(Planned::change(
                Changed::Changed,
                vec![Draft::Remove(address(server))],
                move |world| {
                    world.servers.remove(&name);
                },
            ))
        })
    }

    /// Wraps a data key for the identity of `server`.
    ///
    /// `RSA-OAEP-256(data key ‖ SHA-256("pgkeep/vault/wrap/v1" ‖ 0 ‖ server))`: what is wrapped
    /// for one server does not unwrap for another.
    pub fn wrap(
        &self,
        caller: Caller<'_>,
        server: &ServerName,
        data_key: &Secret<Vec<u8>>,
    ) -> Result<Wrapped, Error> {
        let core = &self.core;
        core.local(caller, "ServerKeyWrap", SERVICE_RESOURCE, server.as_str(), || {
            let service = self.service_for(caller, server)?;
            if data_key.expose().len() != DATA_KEY_BYTES {
                return Err(Error::BadRequest(format!("a data key has {DATA_KEY_BYTES} bytes")));
            }
            let mut bound = Secret::new(Vec::with_capacity(2 * DATA_KEY_BYTES));
            bound.expose_mut().extend_from_slice(data_key.expose());
            bound.expose_mut().extend_from_slice(&binding(server));
            let bytes = service
                .rsa
                .public_key()
                .wrap(bound.expose())
                .map_err(|source| Error::Crypto { doing: "wrap a key", source })?;
            Ok(Planned::read(Wrapped { bytes, key: info(&service) }))
        })
    }

    /// Unwraps what [`Self::wrap`] made for the same server.
    pub fn unwrap(
        &self,
        caller: Caller<'_>,
        server: &ServerName,
        wrapped: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let core = &self.core;
        core.local(caller, "ServerKeyUnwrap", SERVICE_RESOURCE, server.as_str(), || {
            let service = self.service_for(caller, server)?;
            let refused =
                || Error::Forbidden(format!("the wrapped key is not one of server \"{server}\""));
            let mut bound = service.rsa.unwrap(wrapped).map_err(|_| refused())?;
            if bound.expose().len() != 2 * DATA_KEY_BYTES
                || !constant_time_eq(&bound.expose()[DATA_KEY_BYTES..], &binding(server))
            {
                return Err(refused());
            }
            // The binding is no secret; the length shrinks in place.
            bound.expose_mut().truncate(DATA_KEY_BYTES);
            Ok(Planned::read(bound))
        })
    }

    /// Signs a certificate request (PKCS #10, PEM) for a server's identity or for the plane.
    pub fn certificate_sign(
        &self,
        caller: Caller<'_>,
        subject: &Subject,
        csr_pem: &str,
    ) -> Result<SignedCertificate, Error> {
        let core = &self.core;
        core.local(caller, "CertificateSign", SERVICE_RESOURCE, &subject.to_string(), || {
            let service = match subject {
                Subject::Server(server) => self.service_for(caller, server)?,
                Subject::Plane => {
                    core.policy.as_registrar(caller)?;
                    core.world()?.service.clone()
                }
            };
            service
                .authority
                .sign(&*core.random, core.clock.now(), subject, csr_pem, &core.hostnames)
                .map(Planned::read)
        })
    }

    /// Makes a key and a certificate for the vault's own HTTPS: `localhost`, the loopback
    /// addresses, and the host names of all key vaults. `caller` is whoever runs the vault.
    pub fn https_certificate(&self, caller: Caller<'_>) -> Result<ServerCertificate, Error> {
        let core = &self.core;
        let host = core.authority.rsplit_once(':').map_or(&*core.authority, |(host, _)| host);
        core.local(caller, "CertificateSign", SERVICE_RESOURCE, "service/vault", || {
            let service = core.world()?.service.clone();
            service.authority.https(&*core.random, core.clock.now(), host).map(Planned::read)
        })
    }

    /// The same words whether the server is unknown or another's: a caller learns nothing.
    fn service_for(
        &self,
        caller: Caller<'_>,
        server: &ServerName,
    ) -> Result<std::sync::Arc<Service>, Error> {
        let world: &World = &*self.core.world()?;
        self.core.policy.as_server(caller, server, world.servers.get(server.as_str()))?;
        Ok(world.service.clone())
    }
}

fn info(service: &Service) -> KeyInfo {
    KeyInfo { name: SERVICE_KEY, version: service.version, kty: "RSA-3072" }
}

fn address(server: &ServerName) -> Address {
    Address::new(kind::SERVER, server.as_str(), "")
}

fn binding(server: &ServerName) -> [u8; 32] {
    sha256(&[b"pgkeep/vault/wrap/v1\0", server.as_str().as_bytes()].concat())
}
