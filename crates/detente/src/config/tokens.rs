use std::sync::Arc;

use detente_gate::{Token, Tokens};

use super::rights::rights;
use super::section::Section;

/// The bearer tokens of the file; `None` if it has no list of them.
pub(super) fn tokens(root: &Section<'_>) -> Option<Tokens> {
    let listed = root.get("tokens")?;
    if listed
        .get_ref()
        .as_array()
        .is_some_and(|tokens| tokens.is_empty())
    {
        let message =
            "an empty list of tokens locks everybody out; without the list, no token is needed";
        root.mistake(listed.span(), message);
    }
    let mut tokens = Tokens::default();
    for section in root.sections("tokens") {
        let name = section.needed_text("name");
        let rights = rights(&section);
        let digest = digest(&section);
        let roles = section.texts("roles");
        section.finish();
        let (Some(name), Some(digest)) = (name, digest) else {
            continue;
        };
        if name.value.is_empty() {
            section.mistake(name.span, "a token's name must not be empty");
            continue;
        }
        let token = Token {
            name: name.value.into(),
            rights: Arc::new(rights),
            roles: roles
                .into_iter()
                .flat_map(|it| it.value)
                .map(|it| it.value.into())
                .collect(),
        };
        if !tokens.add(digest, token) {
            section.mistake(
                section.span.clone(),
                "another token has this secret already",
            );
        }
    }
    Some(tokens)
}

/// The SHA-256 of the token's secret, whichever of the two is given.
fn digest(section: &Section<'_>) -> Option<[u8; 32]> {
    match (section.text("secret"), section.text("secret_sha256")) {
        (Some(secret), None) if secret.value.is_empty() => {
            section.mistake(secret.span, "a secret must not be empty");
            None
        }
        (Some(secret), None) => Some(Tokens::digest(&secret.value)),
        (None, Some(digest)) => {
            let bytes = from_hex(&digest.value);
            if bytes.is_none() {
                section.mistake(digest.span, "secret_sha256 must be 64 hexadecimal digits");
            }
            bytes
        }
        (None, None) => {
            section.lacks("secret or secret_sha256");
            None
        }
        (Some(_), Some(digest)) => {
            section.mistake(
                digest.span,
                "a token must have either secret or secret_sha256, not both",
            );
            None
        }
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
