use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use detente_gate::{Algorithm, Key};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};

/// Signs tokens.
pub(crate) enum Signer {
    Hs256(Vec<u8>),
    Rs256(Box<RsaKeyPair>),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

pub(crate) const RSA_PUBLIC: &[u8] = include_bytes!("../keys/rsa.public.pem");
pub(crate) const P256_PUBLIC: &[u8] = include_bytes!("../keys/p256.public.pem");
pub(crate) const ED25519_PUBLIC: &[u8] = include_bytes!("../keys/ed25519.public.pem");

pub(crate) const SECRET: &[u8] = b"correct horse battery staple, 32";

impl Signer {
    pub(crate) fn rs256() -> Self {
        let der = der(include_str!("../keys/rsa.private.pem"));
        Self::Rs256(Box::new(RsaKeyPair::from_pkcs8(&der).unwrap()))
    }

    pub(crate) fn es256() -> Self {
        let der = der(include_str!("../keys/p256.private.pem"));
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random);
        Self::Es256(pair.unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        let der = der(include_str!("../keys/ed25519.private.pem"));
        Self::EdDsa(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).unwrap())
    }

    pub(crate) fn hs256() -> Self {
        Self::Hs256(SECRET.to_vec())
    }

    /// One that nobody has met before.
    pub(crate) fn fresh() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
    }

    pub(crate) fn all() -> [Self; 4] {
        [Self::hs256(), Self::rs256(), Self::es256(), Self::ed25519()]
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::Hs256,
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// As it stands in a file.
    pub(crate) fn key(&self) -> Key {
        let file = match self {
            Self::Hs256(secret) => secret,
            Self::Rs256(_) => RSA_PUBLIC,
            Self::Es256(_) => P256_PUBLIC,
            Self::EdDsa(_) => ED25519_PUBLIC,
        };
        Key::read(self.algorithm(), file).unwrap()
    }

    /// As a key of a set, with more members perhaps, such as `,"kid":"a"`.
    pub(crate) fn jwk(&self, more: &str) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Hs256(secret) => format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, text(secret)),
            Self::Rs256(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (n, e) = (text(&public.n), text(&public.e));
                format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"{more}}}"#)
            }
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (text(x), text(y));
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#)
            }
            Self::EdDsa(pair) => {
                let x = text(pair.public_key().as_ref());
                format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{more}}}"#)
            }
        }
    }

    /// A token with the header that it should have.
    pub(crate) fn token(&self, claims: &str) -> String {
        self.token_with("", claims)
    }

    /// A token with more members in its header.
    pub(crate) fn token_with(&self, more: &str, claims: &str) -> String {
        self.signed(
            &format!(r#"{{"alg":"{}"{more}}}"#, self.algorithm()),
            claims,
        )
    }

    /// A token with any header.
    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", encoded(signature))
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Hs256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.unwrap();
                signature
            }
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}
