use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use detente_core::json::{Object, Value, parse};

use crate::{Algorithm, Unknown};

/// The longest token, in bytes. Nothing of a longer one is looked at.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A signed token (RFC 7515, section 7.1), of which nothing is known but what it says of itself.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) algorithm: Algorithm,
    header: Object,
    claims: Vec<u8>,
    /// What is signed.
    pub(crate) message: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    /// Of the header, only `alg`, `kid` and `crit` count. A key that a token brings along or points to
    /// (`jwk`, `jku`, `x5c`, `x5u`) is a stranger's word for itself.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Unknown> {
        let (message, signature) = token.rsplit_once('.').ok_or(malformed(PARTS))?;
        let (header, claims) = message.split_once('.').ok_or(malformed(PARTS))?;
        if claims.contains('.') {
            return Err(malformed(PARTS));
        }
        let header = object(&decoded(header)?).ok_or(malformed("its header is no JSON object"))?;
        if header.contains_key("crit") {
            return Err(malformed(
                "it demands extensions that are not understood here",
            ));
        }
        if header.get("kid").is_some_and(|it| it.as_str().is_none()) {
            return Err(malformed("its kid is no string"));
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        Ok(Self {
            algorithm: algorithm
                .and_then(Algorithm::from_name)
                .ok_or(Unknown::Algorithm)?,
            header,
            claims: decoded(claims)?,
            message: message.as_bytes(),
            signature: decoded(signature)?,
        })
    }

    /// Which key is meant. It is compared with the ids of keys, and nothing else is done with it.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    /// What it claims, which nobody should read before the signature was verified.
    pub(crate) fn claims(&self) -> Result<Object, Unknown> {
        object(&self.claims).ok_or(malformed("its claims are no JSON object"))
    }
}

const PARTS: &str = "it does not have three parts";

fn malformed(why: &'static str) -> Unknown {
    Unknown::Malformed { why }
}

/// Without padding, white space or bits left over: each part can be written in one way only.
fn decoded(part: &str) -> Result<Vec<u8>, Unknown> {
    let decoded = URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| malformed("a part of it is not base64url without padding"))
}

/// A member that is there twice makes it none: others may read the other one (RFC 8725, section 2.4).
fn object(json: &[u8]) -> Option<Object> {
    match parse(json) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}
