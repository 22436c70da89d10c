//! Credentials become whoever they stand for, and it is known how often somebody may ask.
//!
//! Nothing here knows HTTP or reads a clock: what came in, and when, are arguments. Keys that are
//! published elsewhere come through a [`Source`].

mod gate; // what kind of credentials these are
mod known; // whom they stand for
mod unknown; // why they stand for nobody

mod secret; // a new token, and the digest of one
mod tokens; // the tokens of the configuration

mod jwt; // tokens that somebody else signed (RFC 7519)
mod key; // what their signatures are verified by
mod keyring; // the keys that count now
mod source; // where keys are published

mod limit; // how often somebody may ask

pub use gate::Gate;
pub use jwt::{Claim, Jwt, MAX_TOKEN, Terms};
pub use key::{Algorithm, Key, KeySetError, MAX_KEYS, NotAKey, key_set};
pub use known::Known;
pub use limit::{Class, Exceeded, Limiter, Limits, NotARate, Rate, Standing, Who};
pub use secret::new_secret;
pub use source::{FileSource, MAX_KEY_SET, Source};
pub use tokens::{Token, Tokens};
pub use unknown::Unknown;
