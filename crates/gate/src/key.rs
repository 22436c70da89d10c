//! What signatures are verified by. The algorithm belongs to the key: what a token says of its
//! algorithm may agree with that or not, and decides nothing.

mod der; // the few shapes of DER that public keys have
mod pem; // a public key as a file
mod set; // a JWK Set (RFC 7517)

use std::fmt;

use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

pub use set::{KeySetError, MAX_KEYS, key_set};

/// How tokens may be signed (RFC 7518, section 3.1; RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519. RFC 9864 calls it so, too.
    EdDsa,
}

/// A key that verifies.
#[derive(Clone)]
pub struct Key {
    id: Option<Box<str>>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Secret(hmac::Key),
    Rsa(RsaPublicKeyComponents<Box<[u8]>>),
    /// An uncompressed point.
    P256(Box<[u8]>),
    Ed25519(Box<[u8]>),
}

/// Why bytes are not the key that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    #[error("a secret must have at least {MIN_SECRET} bytes, and this one has {bytes}")]
    ShortSecret { bytes: usize },
    /// A public key is no secret: whoever knows it could sign.
    #[error("this is a key in PEM, and HS256 needs a secret")]
    PemAsSecret,
    #[error(
        "there must be one section BEGIN PUBLIC KEY, and END PUBLIC KEY, of base64 between them"
    )]
    NotPem,
    #[error("this is a {label}, and only a PUBLIC KEY belongs here")]
    Label { label: Box<str> },
    #[error("the key must be RSA, EC with the curve P-256, or Ed25519")]
    Kind,
    #[error("an RSA key must have 2048 to 8192 bits and an odd exponent from 3 to 2^33 - 1")]
    Rsa,
    #[error("this is a key for {found}, and should be one for {wanted}")]
    Other { found: Algorithm, wanted: Algorithm },
}

/// The shortest secret for HS256, in bytes (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;

impl Algorithm {
    /// By its name in `alg`, to the letter.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Key {
    /// A key from a file: for HS256 the secret itself, else a public key in PEM. One line break at the
    /// end of a secret that is text does not count: an editor put it there.
    ///
    /// # Errors
    ///
    /// [`NotAKey`], also for a key of another algorithm.
    pub fn read(algorithm: Algorithm, file: &[u8]) -> Result<Self, NotAKey> {
        if algorithm == Algorithm::Hs256 {
            return Self::secret(without_line_break(file));
        }
        let key = pem::public_key(file)?;
        let found = key.algorithm();
        let wanted = algorithm;
        match found == wanted {
            true => Ok(key),
            false => Err(NotAKey::Other { found, wanted }),
        }
    }

    /// This key, meant where a token's `kid` is this. One without an id is tried whatever `kid` says.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// What `kid` must be, to the letter.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The only one that the key verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Secret(_) => Algorithm::Hs256,
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether this is the key's signature of the message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Secret(key) => hmac::verify(key, message, signature),
            Material::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
        };
        verified.is_ok()
    }

    fn new(material: Material) -> Self {
        Self { id: None, material }
    }

    fn secret(bytes: &[u8]) -> Result<Self, NotAKey> {
        if bytes.windows(10).any(|window| window == b"-----BEGIN") {
            return Err(NotAKey::PemAsSecret);
        }
        match bytes.len() {
            bytes @ ..MIN_SECRET => Err(NotAKey::ShortSecret { bytes }),
            _ => Ok(Self::new(Material::Secret(hmac::Key::new(
                hmac::HMAC_SHA256,
                bytes,
            )))),
        }
    }

    /// Both numbers big-endian.
    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, NotAKey> {
        let (n, e) = (without_zeros(modulus), without_zeros(exponent));
        let bits = match n.first() {
            Some(first) => n.len() * 8 - first.leading_zeros() as usize,
            None => 0,
        };
        let exponent =
            (e.len() <= 8).then(|| e.iter().fold(0, |e, byte| e << 8 | u64::from(*byte)));
        let is_exponent = exponent.is_some_and(|e| e % 2 == 1 && (3..1 << 33).contains(&e));
        let is_odd = n.last().is_some_and(|last| last % 2 == 1);
        if !(2048..=8192).contains(&bits) || !is_odd || !is_exponent {
            return Err(NotAKey::Rsa);
        }
        let (n, e) = (n.into(), e.into());
        Ok(Self::new(Material::Rsa(RsaPublicKeyComponents { n, e })))
    }

    /// An uncompressed point (SEC 1, section 2.3.3).
    fn p256(point: &[u8]) -> Result<Self, NotAKey> {
        match point {
            [4, rest @ ..] if rest.len() == 64 => Ok(Self::new(Material::P256(point.into()))),
            _ => Err(NotAKey::Kind),
        }
    }

    fn ed25519(bytes: &[u8]) -> Result<Self, NotAKey> {
        match bytes.len() {
            32 => Ok(Self::new(Material::Ed25519(bytes.into()))),
            _ => Err(NotAKey::Kind),
        }
    }
}

/// Shows no material, not even a public key's: it would fill the log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Key");
        debug.field("id", &self.id);
        debug.field("algorithm", &self.algorithm());
        debug.finish_non_exhaustive()
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Of random bytes, the last may well be a line feed; so only of text.
fn without_line_break(secret: &[u8]) -> &[u8] {
    let line = secret.strip_suffix(b"\n").unwrap_or(secret);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_text = std::str::from_utf8(line).is_ok_and(|it| !it.contains(char::is_control));
    if is_text { line } else { secret }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_and_no_public_key() {
        let cases: [(Vec<u8>, Result<(), NotAKey>); 6] = [
            (vec![b'a'; 32], Ok(())),
            (vec![b'a'; 31], Err(NotAKey::ShortSecret { bytes: 31 })),
            (
                [&[b'a'; 31][..], b"\r\n"].concat(),
                Err(NotAKey::ShortSecret { bytes: 31 }),
            ),
            ([&[0xff; 31][..], b"\n"].concat(), Ok(())),
            (b"".to_vec(), Err(NotAKey::ShortSecret { bytes: 0 })),
            (
                b"\n-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B\n".to_vec(),
                Err(NotAKey::PemAsSecret),
            ),
        ];
        for (file, expected) in cases {
            let read = Key::read(Algorithm::Hs256, &file).map(|_| ());
            assert_eq!(read, expected, "{}", file.escape_ascii());
        }
    }

    #[test]
    fn rsa_keys_have_a_size_and_an_exponent_that_are_safe() {
        let n = |bytes: usize| [&[0x80][..], &vec![1; bytes - 1]].concat();
        let cases: [(Vec<u8>, &[u8], bool); 13] = [
            (n(256), &[1, 0, 1], true),
            (n(256), &[0, 0, 3], true),
            (n(1024), &[1, 0, 1], true),
            (n(256), &[1, 0xff, 0xff, 0xff, 0xff], true),
            (n(256), &[2, 0, 0, 0, 1], false),
            (n(256), &[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
            (n(256), &[1], false),
            (n(256), &[2], false),
            (n(256), &[1, 0, 0], false),
            (n(256), &[], false),
            (n(255), &[1, 0, 1], false),
            (n(1025), &[1, 0, 1], false),
            (vec![0; 256], &[1, 0, 1], false),
        ];
        for (n, e, expected) in cases {
            assert_eq!(Key::rsa(&n, e).is_ok(), expected, "{} {e:?}", n.len());
        }
    }
}
