//! Private keys in PEM as JSON web keys: PKCS #8 (RFC 5958), PKCS #1 (RFC 8017, appendix A.1.2),
//! SEC 1 (RFC 5915). Only the shape is read here; whether the parts fit each other is found out
//! where the key is taken in.

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use zeroize::Zeroize as _;

use super::keyvault_import::web_key;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const PARAMETERS: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;

/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-ecPublicKey, 1.2.840.10045.2.1.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// Object identifiers of the curves, their names, and the length of a coordinate.
const CURVES: [(&[u8], &str, usize); 4] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256", 32),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "P-256K", 32),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384", 48),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521", 66),
];

const MALFORMED: &str = "it is malformed";

/// Why a key cannot be read; says nothing of the key.
type Why = &'static str;

/// The first private key of a PEM file.
pub(super) fn jwk(pem: &[u8]) -> Result<Value, Why> {
    let mut key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "there is no unencrypted private key in it")?;
    let read = match &key {
        PrivateKeyDer::Pkcs8(der) => pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => rsa(der.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(der) => ec(der.secret_sec1_der(), None),
        _ => Err("it is of an unknown form"),
    };
    key.zeroize();
    read
}

/// `{version, {algorithm, parameters}, key}`.
fn pkcs8(der: &[u8]) -> Result<Value, Why> {
    let mut info = Der(Der(der).only(SEQUENCE)?);
    info.take(INTEGER)?;
    let mut algorithm = Der(info.take(SEQUENCE)?);
    let key = info.take(OCTET_STRING)?;
    match algorithm.take(OBJECT_ID)? {
        id if id == RSA => rsa(key),
        id if id == EC => ec(key, Some(algorithm.take(OBJECT_ID)?)),
        _ => Err("it is neither an RSA key nor an EC key"),
    }
}

/// `{version, n, e, d, p, q, dp, dq, qi}`.
fn rsa(der: &[u8]) -> Result<Value, Why> {
    let mut fields = Der(Der(der).only(SEQUENCE)?);
    if fields.take(INTEGER)? != [0] {
        return Err("it is an RSA key of more than two factors");
    }
    let mut parts = Vec::new();
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        parts.push((name, unsigned(fields.take(INTEGER)?)));
    }
    Ok(web_key(&[("kty", "RSA")], &parts))
}

/// `{1, d, [0] curve, [1] public point}`; a PKCS #8 key names the curve outside.
fn ec(der: &[u8], outer: Option<&[u8]>) -> Result<Value, Why> {
    let mut fields = Der(Der(der).only(SEQUENCE)?);
    if fields.take(INTEGER)? != [1] {
        return Err(MALFORMED);
    }
    let d = fields.take(OCTET_STRING)?;
    let inner = match fields.optional(PARAMETERS)? {
        Some(curve) => Some(Der(curve).only(OBJECT_ID)?),
        None => None,
    };
    let id = outer.or(inner).ok_or("it does not name its curve")?;
    let curve = CURVES.iter().find(|(known, _, _)| *known == id);
    let (_, curve, len) = *curve.ok_or("its curve is not supported")?;
    let point = fields.optional(PUBLIC_KEY)?.ok_or("it has no public part")?;
    // No unused bits, and an uncompressed point: 4 ‖ x ‖ y.
    let (x, y) = match Der(point).only(BIT_STRING)? {
        [0, 4, xy @ ..] if xy.len() == 2 * len => xy.split_at(len),
        _ => return Err("its public part is compressed or malformed"),
    };
    Ok(web_key(&[("kty", "EC"), ("crv", curve)], &[("x", x), ("y", y), ("d", d)]))
}

/// The bytes of a number without the zero that keeps it from being negative.
fn unsigned(number: &[u8]) -> &[u8] {
    match number {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    }
}

/// What is left of DER (X.690) to be read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which has this tag.
    fn take(&mut self, tag: u8) -> Result<&'a [u8], Why> {
        let (found, rest) = self.0.split_first().ok_or(MALFORMED)?;
        let (&first, rest) = rest.split_first().ok_or(MALFORMED)?;
        if *found != tag {
            return Err(MALFORMED);
        }
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 | 0x82 => {
                let (len, rest) =
                    rest.split_at_checked(usize::from(first & 0x7f)).ok_or(MALFORMED)?;
                (len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(MALFORMED),
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(content)
    }

    /// The content of the only element.
    fn only(mut self, tag: u8) -> Result<&'a [u8], Why> {
        let content = self.take(tag)?;
        if self.0.is_empty() { Ok(content) } else { Err(MALFORMED) }
    }

    /// The content of the next element, if it has this tag.
    fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Why> {
        if self.0.first() == Some(&tag) { self.take(tag).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn openssl(args: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl").args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn reads_what_openssl_writes() {
        for (name, curve, len) in [
            ("P-256", "P-256", 43),
            ("secp256k1", "P-256K", 43),
            ("P-384", "P-384", 64),
            ("P-521", "P-521", 88),
        ] {
            let option = format!("ec_paramgen_curve:{name}");
            let pkcs8 = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", &option]);
            let key = jwk(&pkcs8).unwrap();
            assert_eq!((&key["kty"], &key["crv"]), (&"EC".into(), &curve.into()));
            assert_eq!(key["x"].as_str().unwrap().len(), len);
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("key.pem");
            std::fs::write(&path, &pkcs8).unwrap();
            let sec1 = openssl(&["ec", "-in", path.to_str().unwrap()]);
            assert_eq!(jwk(&sec1).unwrap(), key, "the two forms are one key");
        }
        let size = "rsa_keygen_bits:2048";
        let rsa = jwk(&openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", size])).unwrap();
        assert_eq!((&rsa["kty"], &rsa["e"]), (&"RSA".into(), &"AQAB".into()));
        assert_eq!(rsa["n"].as_str().unwrap().len(), 342);
        let other = openssl(&["genpkey", "-algorithm", "ED25519"]);
        assert_eq!(jwk(&other), Err("it is neither an RSA key nor an EC key"));
    }

    #[test]
    fn half_a_key_is_none() {
        let whole =
            openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        let PrivateKeyDer::Pkcs8(der) = PrivateKeyDer::from_pem_slice(&whole).unwrap() else {
            panic!("openssl writes PKCS #8");
        };
        let der = der.secret_pkcs8_der();
        assert!(pkcs8(der).is_ok());
        for n in 0..der.len() {
            assert!(pkcs8(&der[..n]).is_err(), "{n} bytes");
        }
        assert!(pkcs8(&[der, &[0]].concat()).is_err(), "and nothing behind it");
        assert!(Der(&[0x30, 0x84, 0, 0, 0, 0]).take(SEQUENCE).is_err());
        assert!(Der(&[0x30, 0x82, 0xff, 0xff]).take(SEQUENCE).is_err());
    }
}
