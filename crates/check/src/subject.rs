use crate::model::Request;
use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

/// What is examined, as the user gave it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The resource, under each base URL; most is asked of the first.
    pub places: Vec<Url>,
    /// How it is written, PUT or PATCH; `None`: found out.
    pub method: Option<Method>,
    /// How another one like it is made.
    pub create: Option<Creation>,
    /// JSON Pointer to a member that no two resources may share.
    pub unique: Option<String>,
    /// JSON Pointer to a number that must not fall below 0.
    pub stock: Option<String>,
    /// The API honours `Idempotency-Key`.
    pub idempotency: bool,
    /// What may succeed but once for each resource.
    pub transition: Option<Transition>,
    /// What moves amounts between resources, and must keep their sum.
    pub transfer: Option<Transfer>,
    /// Fields of further logins, one for each; writers take turns with them.
    pub logins: Vec<HeaderMap>,
}

/// A request that makes a resource. `{{nonce}}` in its body stands for something new each time.
#[derive(Clone, Debug)]
pub struct Creation {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A request that may succeed once: `{url}` in its target stands for the resource's path.
#[derive(Clone, Debug)]
pub struct Transition {
    pub method: Method,
    pub target: String,
    pub body: Bytes,
}

/// A request that moves an amount, and where the amounts stand.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub request: Request,
    pub accounts: Vec<Url>,
    /// JSON Pointer to the amount of each.
    pub amount: String,
}

impl Subject {
    /// A resource of which nothing but its URL is known.
    pub fn at(place: Url) -> Self {
        Self {
            places: vec![place],
            method: None,
            create: None,
            unique: None,
            stock: None,
            idempotency: false,
            transition: None,
            transfer: None,
            logins: Vec::new(),
        }
    }
}
