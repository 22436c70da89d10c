use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

/// So that people and scanners of leaked secrets know one when they see it.
const PREFIX: &str = "dt_";

/// A secret that nobody can guess: 256 random bits of the operating system, as text.
pub fn new_secret() -> String {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.expect("the operating system has random numbers");
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_secret_is_text_of_256_bits_and_never_the_same() {
        let secrets: HashSet<_> = (0..100).map(|_| new_secret()).collect();
        assert_eq!(secrets.len(), 100);
        for secret in secrets {
            let text = secret.strip_prefix(PREFIX).expect("the prefix");
            assert_eq!(URL_SAFE_NO_PAD.decode(text).unwrap().len(), 32, "{secret}");
            // It must not be taken for a signed token.
            assert!(!secret.contains('.'), "{secret}");
        }
    }
}
