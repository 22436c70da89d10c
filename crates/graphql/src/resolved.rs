use std::borrow::Cow;
use std::fmt;

use detente_core::json::Value;

use crate::fault::Fault;
use crate::plan::Step;

/// What a field came to.
pub enum Resolved<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(u64),
    Bool(bool),
    /// JSON text: its digits stay as they are.
    Json(Cow<'a, str>),
    /// A value, or an object whose members are the fields of its type.
    Value(Cow<'a, Value>),
    Object(Box<dyn Object + 'a>),
    List(Vec<Resolved<'a>>),
    Failed(Box<Fault>),
}

/// Something with fields.
pub trait Object: Send + Sync {
    /// The name of its type.
    fn type_name(&self) -> &str;

    /// What one of its fields is. `__typename` is not asked for.
    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a>;
}

impl<T: Object + ?Sized> Object for &T {
    fn type_name(&self) -> &str {
        (**self).type_name()
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        (**self).field(step)
    }
}

impl fmt::Debug for Resolved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Text(text) => write!(f, "Text({text:?})"),
            Self::Number(number) => write!(f, "Number({number})"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Json(text) => write!(f, "Json({text})"),
            Self::Value(value) => write!(f, "Value({value})"),
            Self::Object(object) => write!(f, "Object({})", object.type_name()),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Failed(fault) => write!(f, "Failed({fault:?})"),
        }
    }
}

impl<'a> Resolved<'a> {
    pub fn object(object: impl Object + 'a) -> Self {
        Self::Object(Box::new(object))
    }

    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub fn failed(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl From<Value> for Resolved<'_> {
    fn from(value: Value) -> Self {
        Self::Value(Cow::Owned(value))
    }
}

impl<'a> From<&'a Value> for Resolved<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Resolved<'a>>> From<Option<T>> for Resolved<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a> From<&'a str> for Resolved<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Resolved<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Resolved<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Resolved<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
