use detente_core::Moment;

use crate::{Jwt, Known, Tokens, Unknown};

/// What credentials are good here.
#[derive(Debug, Default)]
pub struct Gate {
    /// Those of the configuration.
    pub tokens: Option<Tokens>,
    /// Those that somebody else signed.
    pub jwt: Option<Jwt>,
}

impl Gate {
    /// Whether it takes no credentials at all, so that nobody needs any.
    pub fn is_open(&self) -> bool {
        self.tokens.is_none() && self.jwt.is_none()
    }

    /// Whom a bearer secret (RFC 6750) stands for. Where signed tokens are taken, a text with two dots
    /// is one of those. They alone have an end, so for them alone it is asked what time it is `now`.
    ///
    /// # Errors
    ///
    /// [`Unknown`]. All but [`Unknown::KeysAway`] mean that the secret is no good.
    pub async fn know(&self, secret: &str, now: impl FnOnce() -> Moment) -> Result<Known, Unknown> {
        if let Some(jwt) = &self.jwt
            && secret.bytes().filter(|byte| *byte == b'.').count() == 2
        {
            return jwt.know(secret, now()).await;
        }
        let known = self.tokens.as_ref().and_then(|tokens| tokens.find(secret));
        known.cloned().ok_or(Unknown::UnknownToken)
    }
}
