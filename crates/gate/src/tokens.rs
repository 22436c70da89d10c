use std::collections::HashMap;
use std::sync::Arc;

use detente_core::json::Object;
use detente_service::Rights;

use crate::Known;
use crate::known::caller;
use crate::secret::sha256;

/// The bearer tokens of the configuration.
///
/// They are filed by the SHA-256 of their secrets, which are not kept. Nothing is ever compared with a
/// secret: what is compared is digests, and of the digest that a stranger's guess has, the stranger
/// cannot choose one byte without computing the rest anew. How long a lookup takes may tell how many
/// bytes of two digests are the same, and that says nothing about the secret behind either. So no
/// comparison in constant time is needed, but the digest must be taken of every guess, known or not.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<[u8; 32], Known>);

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Becomes `updated_by`.
    pub name: Arc<str>,
    pub rights: Arc<Rights>,
    /// What access rules find in `caller.roles`.
    pub roles: Vec<Box<str>>,
}

impl Tokens {
    /// The digest under which a secret is filed.
    pub fn digest(secret: &str) -> [u8; 32] {
        sha256(secret.as_bytes())
    }

    /// Whether the secret was new.
    pub fn add(&mut self, digest: [u8; 32], token: Token) -> bool {
        let Token {
            name,
            rights,
            roles,
        } = token;
        let roles = roles.into_iter().map(String::from).collect();
        let caller = caller(&name, roles, Object::new());
        let known = Known {
            name,
            rights,
            caller,
            until: None,
        };
        self.0.insert(digest, known).is_none()
    }

    /// Whom a secret stands for.
    pub fn find(&self, secret: &str) -> Option<&Known> {
        self.0.get(&Self::digest(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_secret;

    fn token(name: &str) -> Token {
        Token {
            name: name.into(),
            rights: Arc::new(Rights::ALL),
            roles: vec!["admin".into()],
        }
    }

    #[test]
    fn a_token_is_found_by_its_secret_alone() {
        let (secret, mut tokens) = (new_secret(), Tokens::default());
        assert!(tokens.add(Tokens::digest(&secret), token("ann")));
        assert!(tokens.add(Tokens::digest("other"), token("bob")));
        assert!(!tokens.add(Tokens::digest("other"), token("bob")));
        let known = tokens.find(&secret).unwrap();
        assert_eq!(&*known.name, "ann");
        let caller = r#"{"name":"ann","roles":["admin"],"claims":{}}"#;
        assert_eq!(known.caller.to_text(), caller);
        for wrong in [
            "",
            &secret[1..],
            &format!("{secret} "),
            &secret.to_uppercase(),
        ] {
            assert!(tokens.find(wrong).is_none(), "{wrong}");
        }
    }

    /// What stands in memory are digests: no lookup could compare a secret if it wanted to. A guess
    /// that shares all but the last byte with a secret shares nothing with its digest.
    #[test]
    fn secrets_are_not_kept_and_near_guesses_are_no_nearer() {
        let secret = new_secret();
        let mut tokens = Tokens::default();
        tokens.add(Tokens::digest(&secret), token("ann"));
        assert!(!format!("{tokens:?}").contains(&secret));
        let (filed, _) = tokens.0.iter().next().unwrap();
        let shared_at_most = (0..=255u8)
            .map(|last| format!("{}{}", &secret[..secret.len() - 1], char::from(last)))
            .filter(|guess| *guess != secret)
            .map(|guess| Tokens::digest(&guess))
            .map(|digest| digest.iter().zip(filed).take_while(|(a, b)| a == b).count())
            .max();
        // By chance, one of 256 shares the first byte, perhaps the second.
        assert!(shared_at_most < Some(5), "{shared_at_most:?}");
    }
}
