use std::sync::Arc;

use detente_core::Moment;
use detente_core::json::{Object, Value, object};
use detente_service::Rights;

/// Whom credentials stand for.
#[derive(Clone, Debug)]
pub struct Known {
    /// Becomes `updated_by`.
    pub name: Arc<str>,
    pub rights: Arc<Rights>,
    /// What access rules find in `caller`: `name`, `roles` (a list of strings) and `claims` (whatever
    /// else the credentials say).
    pub caller: Arc<Value>,
    /// From then on, the credentials are no good.
    pub until: Option<Moment>,
}

/// The object that access rules see.
pub(crate) fn caller(name: &str, roles: Vec<String>, claims: Object) -> Arc<Value> {
    Arc::new(Value::Object(object([
        ("name", name.into()),
        ("roles", roles.into()),
        ("claims", claims.into()),
    ])))
}
