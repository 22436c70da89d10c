//! Credentials: reading a key, a set of keys or a token ends, no text is a token unless it was signed,
//! and whoever a signed one stands for has a name and a time at which they are forgotten.
//!
//! The first line of the input is the header of a token, the second its claims; all of it is a token, a
//! key file and a set of keys, too.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use detente_core::Moment;
use detente_gate::{Algorithm, Jwt, Key, MAX_KEYS, Terms, key_set};
use libfuzzer_sys::fuzz_target;
use pollster::block_on;
use ring::hmac;

const NOW: Moment = Moment(2_000_000_000_000);
const SECRET: &[u8; 32] = b"known to nobody who sends tokens";

static JWT: LazyLock<Jwt> = LazyLock::new(|| {
    let key = Key::read(Algorithm::Hs256, SECRET).expect("a secret");
    let claim = |name: &str| name.parse().expect("a claim");
    let terms = Terms {
        audiences: vec!["detente".into()],
        roles: claim("/realm/roles"),
        rights_claim: Some(claim("scope")),
        spaces_claim: Some(claim("spaces")),
        ..Terms::default()
    };
    Jwt::new(terms, vec![key], None)
});

fuzz_target!(|data: &[u8]| {
    for algorithm in [
        Algorithm::Hs256,
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ] {
        if let Ok(key) = Key::read(algorithm, data) {
            assert_eq!(key.algorithm(), algorithm);
        }
    }
    if let Ok(keys) = key_set(data) {
        assert!(keys.len() <= MAX_KEYS);
        assert!(keys.iter().all(|key| key.algorithm() != Algorithm::Hs256));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(block_on(JWT.know(text, NOW)).is_err());
    }
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let part = |line: Option<&[u8]>| URL_SAFE_NO_PAD.encode(line.unwrap_or_default());
    let message = format!("{}.{}", part(lines.next()), part(lines.next()));
    let signature = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, SECRET),
        message.as_bytes(),
    );
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    // Once verified, and once remembered.
    for _ in 0..2 {
        if let Ok(known) = block_on(JWT.know(&token, NOW)) {
            assert!(!known.name.is_empty());
            assert!(known.until.is_some_and(|until| until > NOW));
        }
    }
});
