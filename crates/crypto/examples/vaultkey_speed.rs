//! Prints how many operations of a vault key one core does in a second of processor time:
//! `cargo run --release -p crypto --example vaultkey_speed`, beside `openssl speed rsa2048`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::time::Duration;

use crypto::{Curve, EncryptionAlg, Error, KeySpec, RSA_PUBLIC_EXPONENT, SignatureAlg, VaultKey};

const TIME: Duration = Duration::from_secs(3);

fn main() -> Result<(), Error> {
    for bits in [2048, 3072, 4096] {
        let key = VaultKey::generate(&KeySpec::Rsa { bits, public_exponent: RSA_PUBLIC_EXPONENT })?;
        let wrapped = key.wrap(EncryptionAlg::RsaOaep256, &[7; 32])?;
        measure(&format!("RSA-{bits} RSA-OAEP-256 unwrap"), || {
            key.unwrap(EncryptionAlg::RsaOaep256, &wrapped).map(drop)
        })?;
        measure(&format!("RSA-{bits} RSA-OAEP-256 wrap"), || {
            key.wrap(EncryptionAlg::RsaOaep256, &[7; 32]).map(drop)
        })?;
        let sealable = key.to_sealable()?;
        measure(&format!("RSA-{bits} parse"), || {
            VaultKey::from_sealable(sealable.expose()).map(drop)
        })?;
    }
    for (curve, alg) in [
        (Curve::P256, SignatureAlg::Es256),
        (Curve::P256K, SignatureAlg::Es256K),
        (Curve::P384, SignatureAlg::Es384),
        (Curve::P521, SignatureAlg::Es512),
    ] {
        let key = VaultKey::generate(&KeySpec::Ec(curve))?;
        let digest = vec![7; alg.digest_len()];
        let signature = key.sign(alg, &digest)?;
        measure(&format!("{curve} {alg} sign"), || key.sign(alg, &digest).map(drop))?;
        measure(&format!("{curve} {alg} verify"), || {
            key.verify(alg, &digest, &signature).map(drop)
        })?;
    }
    let key = VaultKey::generate(&KeySpec::Oct { bits: 256 })?;
    let wrapped = key.wrap(EncryptionAlg::A256Kw, &[7; 32])?;
    measure("oct-256 A256KW unwrap", || key.unwrap(EncryptionAlg::A256Kw, &wrapped).map(drop))
}

fn measure(what: &str, operation: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
    let mut n = 0u32;
    let started = processor_time();
    while processor_time() - started < TIME {
        black_box(operation()?);
        n += 1;
    }
    let spent = processor_time() - started;
    println!("{what:32} {:>9.0} a second", f64::from(n) / spent.as_secs_f64());
    Ok(())
}

/// As `openssl speed` counts, so that a busy machine changes neither.
fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
