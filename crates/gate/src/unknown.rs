use detente_core::Moment;

use crate::jwt::MAX_TOKEN;

/// Why credentials stand for nobody. No sentence contains a secret, or what a stranger wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("The bearer token is not known here.")]
    UnknownToken,
    #[error("The token has {bytes} bytes, and may have {MAX_TOKEN}.")]
    TooLarge { bytes: usize },
    /// It is no signed token that could be verified.
    #[error("The token is malformed: {why}.")]
    Malformed { why: &'static str },
    #[error(
        "The token is signed by no algorithm that is accepted here: HS256, RS256, ES256 or EdDSA, \
         as its key demands."
    )]
    Algorithm,
    /// Its `kid` names none.
    #[error("The token is signed by a key that is not known here.")]
    NoKey,
    #[error("The token's signature does not fit.")]
    Signature,
    #[error("The token's claim iss names an issuer that is not trusted here.")]
    Issuer,
    #[error("The token's claim aud does not name this server.")]
    Audience,
    #[error("The token expired at {at}.")]
    Expired { at: Moment },
    #[error("The token is not valid before {at}.")]
    NotYet { at: Moment },
    /// Nobody may be called that.
    #[error(
        "The token's claim {claim} must be a name of 1 to 128 bytes without control characters."
    )]
    NoName { claim: Box<str> },
    /// A claim is missing, or is not what it must be.
    #[error("The token's claim {claim} must be {wanted}.")]
    Claims {
        claim: Box<str>,
        wanted: &'static str,
    },
    /// Nobody knows whether the token is any good: a failure of ours, not of whoever asks.
    #[error("The keys that tokens are verified by could not be fetched yet. Try again later.")]
    KeysAway,
}
