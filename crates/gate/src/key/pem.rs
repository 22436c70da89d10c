use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Key, NotAKey, der};

const LABEL: &str = "PUBLIC KEY";

/// The public key in a file (RFC 7468, section 13), which has nothing else in it but comments.
pub(super) fn public_key(file: &[u8]) -> Result<Key, NotAKey> {
    let text = std::str::from_utf8(file).map_err(|_| NotAKey::NotPem)?;
    let (_, text) = text.split_once("-----BEGIN ").ok_or(NotAKey::NotPem)?;
    let (label, text) = text.split_once("-----").ok_or(NotAKey::NotPem)?;
    if label != LABEL {
        let is_label = label.len() <= 40
            && label
                .bytes()
                .all(|it| it == b' ' || it.is_ascii_uppercase());
        return Err(match is_label {
            true => NotAKey::Label {
                label: label.into(),
            },
            false => NotAKey::NotPem,
        });
    }
    let (body, rest) = text
        .split_once("-----END PUBLIC KEY-----")
        .ok_or(NotAKey::NotPem)?;
    if rest.contains("-----BEGIN") {
        return Err(NotAKey::NotPem);
    }
    let body: Vec<u8> = body
        .bytes()
        .filter(|it| !it.is_ascii_whitespace())
        .collect();
    let der = STANDARD.decode(body).map_err(|_| NotAKey::NotPem)?;
    der::public_key(&der)
}
