//! Keys (RFC 7517, 8037): each is of one algorithm, which its type decides and no token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature as EdSignature;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature as EcSignature, VerifyingKey as EcKey};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

sdk::words!(
    /// What is understood. `none` is not among them.
    Algorithm { Hs256 = "HS256", Rs256 = "RS256", Es256 = "ES256", EdDsa = "EdDSA" }
);

/// 32 bytes: a shorter secret is weaker than the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// RFC 7518, 3.3; the upper bound keeps a verification short.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Keys of one issuer that are looked at: providers have two or three.
pub const MAX_KEYS: usize = 16;

pub struct Key {
    pub id: Option<String>,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Rsa(Box<RsaPublicKey>),
    P256(Box<EcKey>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

impl Key {
    /// `None` for a key that is of another kind, weak, or for another use.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let material = match (text("kty")?, text("crv")) {
            ("oct", _) => Material::Secret(bytes("k").filter(|secret| secret.len() >= MIN_SECRET_BYTES)?),
            ("RSA", _) => rsa_key(&bytes("n")?, &bytes("e")?)?,
            ("EC", Some("P-256")) => p256_key(&bytes("x")?, &bytes("y")?)?,
            ("OKP", Some("Ed25519")) => ed25519_key(&bytes("x")?)?,
            _ => return None,
        };
        let key = Self { id: text("kid").map(str::to_owned), material };
        text("alg").is_none_or(|algorithm| algorithm == key.algorithm().as_str()).then_some(key)
    }

    pub fn ed25519(id: String, key: ed25519_dalek::VerifyingKey) -> Self {
        Self { id: Some(id), material: Material::Ed25519(Box::new(key)) }
    }

    /// The usable ones of a set; others are of no concern.
    pub fn from_jwks(set: &Value) -> Vec<Self> {
        let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        keys.iter().take(MAX_KEYS).filter_map(Self::from_jwk).collect()
    }

    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Secret(_) => Algorithm::Hs256,
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    pub fn verifies(&self, signed: &str, signature: &[u8]) -> bool {
        let signed = signed.as_bytes();
        match &self.material {
            // Compared in constant time.
            Material::Secret(secret) => Hmac::<Sha256>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok()),
            Material::Rsa(key) => key.verify(rs256(), &Sha256::digest(signed), signature).is_ok(),
            Material::P256(key) => {
                EcSignature::from_slice(signature).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
            }
            Material::Ed25519(key) => {
                EdSignature::from_slice(signature).is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
            }
        }
    }
}

/// PKCS #1 v1.5 with SHA-256; the prefix is its DigestInfo (RFC 8017, 9.2, note 1).
fn rs256() -> Pkcs1v15Sign {
    const PREFIX: [u8; 19] = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(PREFIX) }
}

fn rsa_key(n: &[u8], e: &[u8]) -> Option<Material> {
    let key = RsaPublicKey::new(BigUint::from_bytes_be(n), BigUint::from_bytes_be(e)).ok()?;
    RSA_BITS.contains(&key.n().bits()).then(|| Material::Rsa(Box::new(key)))
}

/// An uncompressed point (SEC 1, 2.3.3); one that is not on the curve is refused.
fn p256_key(x: &[u8], y: &[u8]) -> Option<Material> {
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    let point = [&[4], x, y].concat();
    EcKey::from_sec1_bytes(&point).ok().map(|key| Material::P256(Box::new(key)))
}

fn ed25519_key(x: &[u8]) -> Option<Material> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(x.try_into().ok()?).ok()?;
    (!key.is_weak()).then(|| Material::Ed25519(Box::new(key)))
}
