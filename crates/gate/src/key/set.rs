use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use detente_core::json::{SyntaxError, Value, parse};

use super::{Algorithm, Key};

/// The most keys that a set may have: a token that names none of them is tried against each.
pub const MAX_KEYS: usize = 64;

/// Why a document is no set of keys that could be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the key set is not JSON: {0}")]
    Syntax(#[from] SyntaxError),
    #[error("a key set is an object with the list `keys` (RFC 7517, section 5)")]
    Shape,
    #[error("the key set has {keys} keys, and may have {MAX_KEYS}")]
    TooMany { keys: usize },
    /// Whoever reads the set could sign, so nothing that it vouches for is worth anything.
    #[error("the key set gives away a secret: a symmetric or private key")]
    Secret,
}

/// The keys of a JWK Set (RFC 7517) that can verify tokens. Others are left out: a host may publish
/// keys for other purposes, and of kinds that are yet to be invented.
///
/// # Errors
///
/// [`KeySetError`], and then none of its keys are any good.
pub fn key_set(document: &[u8]) -> Result<Vec<Key>, KeySetError> {
    let document = parse(document)?;
    let Some(Value::Array(keys)) = document.get("keys") else {
        return Err(KeySetError::Shape);
    };
    if keys.len() > MAX_KEYS {
        return Err(KeySetError::TooMany { keys: keys.len() });
    }
    if keys.iter().any(is_secret) {
        return Err(KeySetError::Secret);
    }
    Ok(keys.iter().filter_map(key).collect())
}

fn is_secret(key: &Value) -> bool {
    text(key, "kty") == Some("oct") || key.get("k").is_some() || key.get("d").is_some()
}

fn key(jwk: &Value) -> Option<Key> {
    if !is_for_signatures(jwk) {
        return None;
    }
    let bytes = |name| URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok();
    let key = match (text(jwk, "kty")?, text(jwk, "crv")) {
        ("RSA", _) => Key::rsa(&bytes("n")?, &bytes("e")?),
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            if (x.len(), y.len()) != (32, 32) {
                return None;
            }
            Key::p256(&[&[4], &*x, &*y].concat())
        }
        ("OKP", Some("Ed25519")) => Key::ed25519(&bytes("x")?),
        _ => return None,
    };
    let key = key.ok()?;
    if let Some(named) = jwk.get("alg")
        && named.as_str().and_then(Algorithm::from_name) != Some(key.algorithm())
    {
        return None;
    }
    match jwk.get("kid") {
        None => Some(key),
        Some(id) => Some(key.with_id(id.as_str()?)),
    }
}

fn is_for_signatures(jwk: &Value) -> bool {
    let uses = jwk.get("use").is_none_or(|it| it.as_str() == Some("sig"));
    let operations = jwk.get("key_ops").is_none_or(|it| match it {
        Value::Array(all) => all.iter().any(|it| it.as_str() == Some("verify")),
        _ => false,
    });
    uses && operations
}

fn text<'a>(jwk: &'a Value, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}
