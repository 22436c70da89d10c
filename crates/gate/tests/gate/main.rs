//! The gate from outside: tokens that are signed, changed, and signed by others.

mod signer; // signs tokens, and says which key verifies them

mod attacks; // what is known to have fooled others
mod claims; // what a token claims, and what comes of it
mod keys; // keys as files and as sets, and the examples of the standards
mod rotation; // keys that come and go at their host

use detente_core::Moment;
use detente_gate::{Jwt, Key, Terms};
use signer::Signer;

/// When all tests happen, in seconds.
const NOW_S: u64 = 2_000_000_000;
const NOW: Moment = Moment(NOW_S * 1000);

/// Claims that are good for a minute.
fn claims() -> String {
    format!(r#"{{"sub":"ann","exp":{}}}"#, NOW_S + 60)
}

/// Terms without leeway.
fn exact() -> Terms {
    Terms {
        leeway: std::time::Duration::ZERO,
        ..Terms::default()
    }
}

fn jwt(terms: Terms, keys: impl IntoIterator<Item = Key>) -> Jwt {
    Jwt::new(terms, keys.into_iter().collect(), None)
}

/// What takes the tokens of one signer.
fn trusting(signer: &Signer) -> Jwt {
    jwt(exact(), [signer.key()])
}
