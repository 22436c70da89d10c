use serde_json::{Value, json};

use super::dialect::{Dialect, Envelope, Methods, Revision, Seed};
use super::document;

/// How the tester has to be called: what it cannot see by itself.
///
/// Bodies hold `{{nonce}}` where something has to be another each time.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What documents are written with.
    pub(crate) method: &'static str,
    /// The media type of what it writes.
    pub(crate) media_type: &'static str,
    /// For every request.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The same for others who may write too.
    pub(crate) others: Vec<(&'static str, String)>,
    /// Makes another document like the resource.
    pub(crate) create: Option<Call>,
    /// Makes one with a unique member, which is part of the body.
    pub(crate) unique: Option<Unique>,
    /// Whether POST takes an Idempotency-Key.
    pub(crate) idempotency: bool,
    /// A list in the resource, by its JSON Pointer.
    pub(crate) append: Option<String>,
    /// A member of the resource that is not this API's to change: its version, by JSON Pointer.
    pub(crate) version: Option<String>,
    pub(crate) stock: Option<Stock>,
    pub(crate) transition: Option<Transition>,
    pub(crate) transfer: Option<Transfer>,
}

/// A request but for the base URL.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: String,
}

/// A member that no two documents of a collection share.
#[derive(Clone, Debug)]
pub(crate) struct Unique {
    pub(crate) create: Call,
    /// Where they are listed.
    pub(crate) list: &'static str,
    /// In one of the list, by JSON Pointer.
    pub(crate) member: String,
}

/// Something of which there is so much.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    pub(crate) resource: &'static str,
    pub(crate) member: String,
    /// Takes one.
    pub(crate) take: Call,
}

/// Something that happens once to each.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    /// Makes one to which it has not happened.
    pub(crate) create: Call,
    /// Follows the URL of what was made.
    pub(crate) action: &'static str,
}

/// Moves from one to the other; the sum stays.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) accounts: [&'static str; 2],
    pub(crate) member: String,
    pub(crate) there: Call,
    pub(crate) back: Call,
}

impl Options {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        let mut logins = dialect.tokens.iter();
        let mut login = || {
            logins
                .next()
                .map(|token| ("Authorization", format!("Bearer {token}")))
        };
        let shop = dialect.shop;
        Self {
            headers: login().into_iter().collect(),
            others: std::iter::from_fn(login).collect(),
            method: if dialect.methods == Methods::Patch {
                "PATCH"
            } else {
                "PUT"
            },
            media_type: dialect.media_type(),
            create: Some(Call::post("/notes", template(dialect))),
            unique: shop.then(|| Unique::of(dialect)),
            idempotency: true,
            append: matches!(dialect.seed, Seed::Note | Seed::Mixed)
                .then(|| pointer(dialect, "items")),
            version: match dialect.revision {
                Revision::None => None,
                Revision::Shown(name) | Revision::Checked(name) => Some(match dialect.envelope {
                    Envelope::Data => format!("/meta/{name}"),
                    Envelope::Bare | Envelope::Hal => format!("/{name}"),
                }),
            },
            stock: shop.then(|| Stock {
                resource: "/products/1",
                member: pointer(dialect, "stock"),
                take: Call::post(
                    "/products/1/take",
                    enveloped(dialect, json!({ "quantity": 1 })),
                ),
            }),
            transition: shop.then(|| Transition {
                create: Call::post(
                    "/orders",
                    enveloped(
                        dialect,
                        json!({ "item": "chair {{nonce}}", "state": "open" }),
                    ),
                ),
                action: "/ship",
            }),
            transfer: shop.then(|| Transfer::of(dialect)),
        }
    }
}

impl Call {
    fn post(path: &'static str, body: String) -> Self {
        Self {
            method: "POST",
            path,
            body,
        }
    }
}

impl Unique {
    fn of(dialect: &Dialect) -> Self {
        let body = json!({ "email": "{{nonce}}@example.org", "name": "Ann" });
        Self {
            create: Call::post("/members", enveloped(dialect, body)),
            list: "/members",
            // In a list, documents have no envelope of their own but under `data`.
            member: pointer(dialect, "email"),
        }
    }
}

impl Transfer {
    fn of(dialect: &Dialect) -> Self {
        let call = |from, to| {
            let body = json!({ "from": from, "to": to, "amount": 1 });
            Call::post("/transfers", enveloped(dialect, body))
        };
        Self {
            accounts: ["/accounts/a", "/accounts/b"],
            member: pointer(dialect, "balance"),
            there: call("a", "b"),
            back: call("b", "a"),
        }
    }
}

fn pointer(dialect: &Dialect, member: &str) -> String {
    match dialect.envelope {
        Envelope::Data => format!("/data/{member}"),
        Envelope::Bare | Envelope::Hal => format!("/{member}"),
    }
}

fn enveloped(dialect: &Dialect, body: Value) -> String {
    match dialect.envelope {
        Envelope::Data => json!({ "data": body }).to_string(),
        Envelope::Bare | Envelope::Hal => body.to_string(),
    }
}

/// A document like the seed.
fn template(dialect: &Dialect) -> String {
    let mut seed = document::seed(dialect);
    match dialect.seed {
        Seed::Text => return "Note {{nonce}}\n".into(),
        Seed::Xml => {
            return "<note><title>{{nonce}}</title><text>Nothing yet.</text></note>".into();
        }
        Seed::Numbers => {}
        Seed::Note | Seed::Mixed => seed["title"] = json!("{{nonce}}"),
    }
    enveloped(dialect, seed)
}
