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
        let mut members = object([
            ("s", self.sort.as_str().into()),
            ("i", self.rank.id.as_str().into()),
        ]);
        if let Some(value) = &self.rank.value {
            members.insert("v".into(), value.clone());
        }
        URL_SAFE_NO_PAD.encode(Value::Object(members).to_text())
    }

    /// Reads a cursor that must belong to the order `sort`.
    pub(crate) fn decode(text: &str, sort: &str) -> Result<Self, Problem> {
        let cursor = Self::read(text).ok_or_else(|| bad("it is not one of this server's"))?;
        if cursor.sort != sort {
            return Err(bad("it belongs to a list in another order"));
        }
        Ok(cursor)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let value = json::parse(&bytes).ok()?;
        Some(Self {
            sort: value.get("s")?.as_str()?.to_owned(),
            rank: Rank {
                value: value.get("v").cloned(),
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
        for value in [
            None,
            Some(Value::Null),
            Some(Value::from("ä")),
            Some(Value::from(7)),
        ] {
            let rank = Rank {
                value,
                id: "x".into(),
            };
            let cursor = Cursor {
                sort: "-price".into(),
                rank,
            };
            assert_eq!(Cursor::decode(&cursor.encode(), "-price").unwrap(), cursor);
            assert!(Cursor::decode(&cursor.encode(), "price").is_err());
        }
        for bad in ["", "x", "e30", "%%%"] {
            assert!(Cursor::decode(bad, "").is_err(), "{bad}");
        }
    }
}
