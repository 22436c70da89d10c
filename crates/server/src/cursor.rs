use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use detente_core::Rank;
use detente_core::json::{self, Value, object};

use crate::problem::Problem;

/// Where a list goes on: behind the item with this rank, in this order. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The order as the client asked for it.
    pub(crate) sort: String,
    pub(crate) rank: Rank,
}

impl Cursor {
    pub(crate) fn encode(&self) -> String {
        // Absent is not null: a list of none, or of one.
        let boxed = |value: &Option<Value>| Value::Array(value.iter().cloned().collect());
        let values = self.rank.values.iter().map(boxed);
        let members = object([
            ("s", self.sort.as_str().into()),
            ("i", self.rank.id.as_str().into()),
            ("v", Value::Array(values.collect())),
        ]);
        URL_SAFE_NO_PAD.encode(Value::Object(members).to_text())
    }

    /// Reads a cursor that must belong to the order `sort`, which has so many `places`.
    pub(crate) fn decode(text: &str, sort: &str, places: usize) -> Result<Self, Problem> {
        let cursor = Self::read(text).ok_or_else(|| bad("it is not one of this server's"))?;
        if cursor.sort != sort {
            return Err(bad("it belongs to a list in another order"));
        }
        if cursor.rank.values.len() != places {
            return Err(bad("it is not one of this server's"));
        }
        Ok(cursor)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let value = json::parse(&bytes).ok()?;
        let unboxed = |value: &Value| match value {
            Value::Array(one) if one.len() <= 1 => Some(one.first().cloned()),
            _ => None,
        };
        let Value::Array(values) = value.get("v")? else {
            return None;
        };
        Some(Self {
            sort: value.get("s")?.as_str()?.to_owned(),
            rank: Rank {
                values: values.iter().map(unboxed).collect::<Option<_>>()?,
                id: value.get("i")?.as_str()?.to_owned(),
            },
        })
    }
}

fn bad(why: &str) -> Problem {
    Problem::malformed(format!("The cursor cannot be used: {why}.")).with("parameter", "cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for values in [
            vec![],
            vec![None],
            vec![Some(Value::Null)],
            vec![Some(Value::Array(vec![]))],
            vec![Some(Value::from("ä")), None, Some(Value::from(7))],
        ] {
            let places = values.len();
            let id = "x".into();
            let cursor = Cursor {
                sort: "-price".into(),
                rank: Rank { values, id },
            };
            let decoded = |sort| Cursor::decode(&cursor.encode(), sort, places);
            assert_eq!(decoded("-price").unwrap(), cursor);
            assert!(decoded("price").is_err());
            assert!(Cursor::decode(&cursor.encode(), "-price", places + 1).is_err());
        }
        let other = URL_SAFE_NO_PAD.encode(r#"{"s":"a","i":"desk","v":250}"#);
        for bad in ["", "x", "e30", "%%%", &other] {
            assert!(Cursor::decode(bad, "a", 1).is_err(), "{bad}");
        }
    }
}
