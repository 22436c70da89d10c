use std::time::SystemTime;

use super::signer::Signer;

pub(super) const ISSUER: &str = "https://login.example.org";
pub(super) const AUDIENCE: &str = "detente";

/// Somebody who asks, and what the configuration says of them.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) label: &'static str,
    /// The whole field.
    pub(super) authorization: Option<String>,
    /// What the challenge says, where the credentials are none.
    pub(super) error: Option<&'static str>,
    pub(super) name: &'static str,
    /// As in the configuration; `None`: the usual ones.
    pub(super) rights: Option<&'static [&'static str]>,
    pub(super) spaces: Option<&'static [&'static str]>,
    pub(super) roles: &'static [&'static str],
    /// Whether they are let in.
    pub(super) is_known: bool,
}

impl Who {
    const NOBODY: Self = Self {
        label: "",
        authorization: None,
        error: None,
        name: "",
        rights: None,
        spaces: None,
        roles: &[],
        is_known: false,
    };

    fn token(label: &'static str, name: &'static str) -> Self {
        Self {
            label,
            name,
            authorization: Some(format!("Bearer {}", secret(label))),
            is_known: true,
            ..Self::NOBODY
        }
    }

    fn with(label: &'static str, name: &'static str, rights: &'static [&'static str]) -> Self {
        Self {
            rights: Some(rights),
            ..Self::token(label, name)
        }
    }

    fn stranger(label: &'static str, authorization: &str, is_bearer: bool) -> Self {
        Self {
            label,
            authorization: Some(authorization.to_owned()),
            error: is_bearer.then_some("invalid_token"),
            ..Self::NOBODY
        }
    }

    /// The lines of the configuration about them.
    fn lines(&self) -> String {
        let list = |words: &[&str]| format!("{words:?}");
        let mut lines = format!(
            "[[tokens]]\nname = {:?}\nsecret = {:?}\n",
            self.name,
            secret(self.label)
        );
        let lists = [
            ("rights", self.rights),
            ("spaces", self.spaces),
            ("roles", Some(self.roles).filter(|it| !it.is_empty())),
        ];
        for (key, words) in lists {
            if let Some(words) = words {
                lines += &format!("{key} = {}\n", list(words));
            }
        }
        lines
    }
}

/// The secret of a token; nobody is ever to see one.
pub(super) fn secret(label: &str) -> String {
    format!("s3cr3t-{label}-0123456789")
}

/// The configuration's lines about all who have a token of it.
pub(super) fn tokens() -> String {
    let all = everybody();
    let own = all.iter().filter(|it| it.is_known && it.label != "jwt");
    own.map(Who::lines).collect()
}

pub(super) fn of(label: &str) -> Who {
    let all = everybody();
    let found = all.into_iter().find(|it| it.label == label);
    found.unwrap_or_else(|| panic!("{label} is nobody"))
}

/// Claims of ann, good for an hour, with other members in place of these or beside them.
pub(super) fn claims(more: &[(&str, serde_json::Value)]) -> String {
    let mut claims = serde_json::json!({
        "sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 3600, "nbf": now() - 10,
    });
    for (name, value) in more {
        claims[*name] = value.clone();
    }
    claims.to_string()
}

pub(super) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// Everybody who asks in the matrix.
pub(super) fn everybody() -> Vec<Who> {
    let signer = Signer::hs256();
    let bearer = |token: &str| format!("Bearer {token}");
    let wrong = |label, claims: String| Who::stranger(label, &bearer(&signer.token(&claims)), true);
    let foreign = Signer::Hs256(b"another secret, of 32 bytes, too".to_vec());
    let good = claims(&[]);
    let bare = {
        let [header, body] = [r#"{"alg":"none"}"#, &good].map(super::signer::encoded);
        format!("{header}.{body}.")
    };
    vec![
        Who {
            label: "nobody",
            ..Who::NOBODY
        },
        Who::stranger("unknown token", "Bearer not-one-of-them", true),
        Who::stranger("empty token", "Bearer ", false),
        Who::stranger("no scheme", "ann", false),
        Who::stranger("basic", "Basic YW5uOmFubg==", false),
        Who::token("ann", "ann"),
        Who::token("bob", "bob"),
        Who {
            roles: &["admin"],
            ..Who::with("admin", "root", &["all"])
        },
        // Whoever has this name may do by the rules what ann may: what differs are the rights.
        Who::with("reader", "ann", &["read"]),
        Who::with("writer", "ann", &["write"]),
        Who::with("creator", "ann", &["create"]),
        Who::with("updater", "ann", &["update"]),
        Who::with("deleter", "ann", &["delete"]),
        Who::with("resolver", "ann", &["resolve"]),
        Who::with("breaker", "ann", &["break-lock"]),
        Who::with("operator", "ann", &["operate"]),
        Who::with("powerless", "ann", &[]),
        Who::with("reader of open", "ann", &["read:open"]),
        Who::with("keeper of open", "eve", &["read", "write:open"]),
        Who {
            spaces: Some(&["other"]),
            ..Who::with("ann of other", "ann", &["all"])
        },
        Who {
            spaces: Some(&["default"]),
            ..Who::token("ann of default", "ann")
        },
        // All rights, and no rule that is about them.
        Who::with("eve", "eve", &["all"]),
        Who {
            label: "jwt",
            authorization: Some(bearer(&signer.token(&good))),
            name: "ann",
            is_known: true,
            ..Who::NOBODY
        },
        wrong("expired", claims(&[("exp", (now() - 3600).into())])),
        wrong("not yet", claims(&[("nbf", (now() + 3600).into())])),
        wrong("other audience", claims(&[("aud", "others".into())])),
        wrong(
            "other issuer",
            claims(&[("iss", "https://evil.example".into())]),
        ),
        Who::stranger("wrong key", &bearer(&foreign.token(&good)), true),
        Who::stranger("unsigned", &bearer(&bare), true),
    ]
}
