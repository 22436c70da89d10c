use std::fmt;
use std::str::FromStr;

use detente_core::json::{Object, Pointer, PointerError, Value};

/// Where a token says something: the name of a claim, to the letter, or a JSON Pointer into the claims
/// (RFC 6901) if it begins with a slash. Names with dots are names: `https://example.org/roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    name: String,
    rest: Pointer,
    text: Box<str>,
}

impl Claim {
    pub(crate) fn of<'a>(&self, claims: &'a Object) -> Option<&'a Value> {
        claims.get(&self.name)?.at(&self.rest)
    }

    /// The strings that stand there, one or a list; `None` if nothing does, or null.
    ///
    /// # Errors
    ///
    /// If something else stands there, or among them.
    pub(crate) fn strings<'a>(
        &self,
        claims: &'a Object,
    ) -> Result<Option<Vec<&'a str>>, NoStrings> {
        match self.of(claims) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(one)) => Ok(Some(vec![one])),
            Some(Value::Array(all)) => {
                let all: Option<Vec<_>> = all.iter().map(Value::as_str).collect();
                all.ok_or(NoStrings).map(Some)
            }
            Some(_) => Err(NoStrings),
        }
    }
}

/// There is neither a string nor a list of strings.
pub(crate) struct NoStrings;

impl FromStr for Claim {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let (name, rest) = match text.starts_with('/') {
            false => (text.to_owned(), Pointer::root()),
            true => {
                let pointer: Pointer = text.parse()?;
                let mut tokens = pointer.tokens().iter().cloned();
                let name = tokens.next().unwrap_or_default();
                (name, tokens.collect())
            }
        };
        let text = text.into();
        Ok(Self { name, rest, text })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
