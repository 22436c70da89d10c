use http::Method;

use super::ask::Ask;
use super::dialect::{Dialect, Methods};
use super::refusal::Refusal;

const COLLECTIONS: [&str; 5] = ["notes", "members", "products", "orders", "accounts"];

/// What a request asks for; a key is `notes/1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read(String),
    List(String),
    Put(String),
    Patch(String),
    Delete(String),
    /// In a collection.
    Create(String),
    /// `POST /products/1/take`, `{"quantity":1}`
    Take(String),
    /// `POST /orders/1/ship`
    Ship(String),
    /// `POST /transfers`, `{"from":"a","to":"b","amount":1}`
    Transfer,
}

impl Operation {
    /// # Errors
    ///
    /// [`Refusal::Absent`] for a path that the server does not know, [`Refusal::MethodNotAllowed`] for a
    /// method that it does not have there.
    pub(crate) fn of(ask: &Ask, dialect: &Dialect) -> Result<Self, Refusal> {
        let segments: Vec<&str> = ask.path.split('/').collect();
        let known = |name: &str| COLLECTIONS.contains(&name) && (dialect.shop || name == "notes");
        let post = ask.method == Method::POST;
        match segments[..] {
            [name] if known(name) && ask.is_read() => Ok(Self::List(name.into())),
            [name] if known(name) && post => Ok(Self::Create(name.into())),
            ["transfers"] if dialect.shop && post => Ok(Self::Transfer),
            [name, _] if known(name) => Self::of_document(ask, dialect),
            ["products", id, "take"] if dialect.shop && post => {
                Ok(Self::Take(format!("products/{id}")))
            }
            ["orders", id, "ship"] if dialect.shop && post => {
                Ok(Self::Ship(format!("orders/{id}")))
            }
            [name] if known(name) || name == "transfers" => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::Absent),
        }
    }

    /// The document that it reads or writes as a whole.
    pub(crate) fn document(&self) -> Option<&str> {
        match self {
            Self::Read(key) | Self::Put(key) | Self::Patch(key) | Self::Delete(key) => Some(key),
            _ => None,
        }
    }

    fn of_document(ask: &Ask, dialect: &Dialect) -> Result<Self, Refusal> {
        let key = ask.path.clone();
        let methods = dialect.methods;
        match ask.method {
            Method::GET | Method::HEAD => Ok(Self::Read(key)),
            Method::PUT if methods != Methods::Patch => Ok(Self::Put(key)),
            Method::PATCH if methods != Methods::Put => Ok(Self::Patch(key)),
            Method::DELETE => Ok(Self::Delete(key)),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }
}
