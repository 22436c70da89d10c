use std::fmt;
use std::ops::{Deref, DerefMut};

use detente_core::json::{Object, SyntaxError, Value, parse};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// A JSON value with every digit of its numbers: `12345678901234567890.10` stays just that.
///
/// Use it as the type of a collection whose documents have no type in your program, or for a field
/// of your own types. It works with serde_json only, not with other formats of serde.
///
/// ```
/// use detente_client::Json;
///
/// let mut order: Json = r#"{"total":12345678901234567890.10}"#.parse()?;
/// order.set("paid", true);
/// assert_eq!(order.to_string(), r#"{"total":12345678901234567890.10,"paid":true}"#);
/// # Ok::<_, detente_client::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub Value);

impl Json {
    /// An object without members.
    pub fn object() -> Self {
        Self(Value::Object(Object::new()))
    }

    /// Sets a member. A value that is not an object becomes one.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        if !matches!(self.0, Value::Object(_)) {
            self.0 = Value::Object(Object::new());
        }
        if let Value::Object(members) = &mut self.0 {
            members.insert(name.to_owned(), value.into());
        }
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        match &mut self.0 {
            Value::Object(members) => members.shift_remove(name),
            _ => None,
        }
    }
}

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl DerefMut for Json {
    fn deref_mut(&mut self) -> &mut Value {
        &mut self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl std::str::FromStr for Json {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        parse(text.as_bytes()).map(Self)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = RawValue::from_string(self.0.to_text()).map_err(ser::Error::custom)?;
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        text.get().parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_serde_even_within_other_types() {
        #[derive(Serialize, Deserialize)]
        struct Order {
            id: u32,
            total: Json,
        }
        let text = r#"{"id":7,"total":{"net":12345678901234567890.10,"tax":[1e400,-0]}}"#;
        let order: Order = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&order).unwrap(), text);
        assert!(serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#).is_err());
    }
}
