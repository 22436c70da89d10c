//! Tokens that somebody else signed: JWT (RFC 7519) as JWS in the compact form (RFC 7515), by the advice
//! of RFC 8725.

mod claim; // where a token says something
mod lifetime; // when a token is good
mod seen; // tokens that were verified already
mod signed; // the three parts of a token
mod terms; // what must be claimed, and what claims mean

use std::fmt;
use std::sync::Arc;

use detente_core::Moment;

pub use claim::Claim;
pub use signed::MAX_TOKEN;
pub(crate) use signed::Signed;
pub use terms::Terms;

use crate::keyring::Keyring;
use crate::secret::sha256;
use crate::{Key, Known, Source, Unknown};
use seen::Seen;

/// Who vouches for tokens, and what their claims mean here.
pub struct Jwt {
    terms: Terms,
    keyring: Keyring,
    seen: Seen,
}

impl Jwt {
    /// Tokens that one of the keys signed, or one of those that the source publishes.
    pub fn new(terms: Terms, keys: Vec<Key>, source: Option<Arc<dyn Source>>) -> Self {
        Self {
            terms,
            keyring: Keyring::new(keys, source),
            seen: Seen::default(),
        }
    }

    /// Whom a token stands for. Must run on a tokio runtime, since keys may have to be fetched.
    ///
    /// # Errors
    ///
    /// [`Unknown`]. Claims are judged only after the signature.
    pub async fn know(&self, token: &str, now: Moment) -> Result<Known, Unknown> {
        if token.len() > MAX_TOKEN {
            let bytes = token.len();
            return Err(Unknown::TooLarge { bytes });
        }
        let digest = sha256(token.as_bytes());
        let mut keys = self.keyring.keys(now);
        if let Some(known) = self.seen.find(&digest, keys.generation, now) {
            return Ok(known);
        }
        let signed = Signed::parse(token)?;
        let mut verified = keys.verify(&signed);
        if verified.is_err() && !keys.know(signed.key_id()) {
            keys = self.keyring.renewed(now).await;
            verified = keys.verify(&signed);
        }
        match verified {
            Err(_) if keys.are_away && !keys.know(signed.key_id()) => {
                return Err(Unknown::KeysAway);
            }
            verified => verified?,
        }
        let (known, lifetime) = self.terms.know(signed.claims()?, now)?;
        let size = token.len();
        self.seen
            .keep(digest, size, keys.generation, lifetime, &known);
        Ok(known)
    }

    /// Has the published keys fetched, unless that was tried within the last minute: so that the first
    /// token need not wait, and keys withdrawn at their host go while there are no tokens.
    pub async fn refresh(&self, now: Moment) {
        self.keyring.renewed(now).await;
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Jwt");
        debug.field("terms", &self.terms).finish_non_exhaustive()
    }
}
