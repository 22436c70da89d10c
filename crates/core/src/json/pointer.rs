use std::fmt;
use std::str::FromStr;

/// A JSON Pointer (RFC 6901): the tokens, unescaped. Empty means the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Vec<String>);

/// Why a text is not a JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    #[error("a JSON Pointer must be empty or start with `/` (RFC 6901)")]
    NoSlash,
    #[error("`~` in a JSON Pointer must be followed by `0` or `1` (RFC 6901)")]
    BadEscape,
}

impl Pointer {
    /// The pointer to the whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The tokens, unescaped.
    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    /// This pointer with one more token.
    #[must_use]
    pub fn child(&self, token: impl Into<String>) -> Self {
        let mut tokens = self.0.clone();
        tokens.push(token.into());
        Self(tokens)
    }

    /// Everything but the last token, and that token; `None` for the root.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        let (last, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), last))
    }

    /// Whether `prefix` names this place or one that contains it.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// A token as an array index (RFC 6901, section 4): no sign, no leading zero.
    pub fn index(token: &str) -> Option<usize> {
        let canonical = token == "0" || !token.starts_with(['0', '+']);
        if canonical { token.parse().ok() } else { None }
    }
}

/// From unescaped tokens.
impl FromIterator<String> for Pointer {
    fn from_iter<I: IntoIterator<Item = String>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let tokens = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        tokens
            .split('/')
            .map(unescape)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn unescape(token: &str) -> Result<String, PointerError> {
    let mut parts = token.split('~');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = match part.as_bytes().first() {
            Some(b'0') => '~',
            Some(b'1') => '/',
            _ => return Err(PointerError::BadEscape),
        };
        out.push(rest);
        out.push_str(&part[1..]);
    }
    Ok(out)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    /// The table of RFC 6901, section 5.
    #[test]
    fn pointers_of_the_standard() {
        let document = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
        let document = parse(document.as_bytes()).unwrap();
        let cases = [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ];
        for (text, value) in cases {
            let pointer: Pointer = text.parse().unwrap();
            assert_eq!(document.at(&pointer).unwrap().to_text(), value, "{text}");
            assert_eq!(pointer.to_string(), text);
        }
        for absent in [
            "/foo/2", "/foo/00", "/foo/-", "/foo/+1", "/nope", "/foo/0/x",
        ] {
            assert_eq!(document.at(&absent.parse().unwrap()), None, "{absent}");
        }
        for bad in ["foo", "/~", "/~2", "/a~"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad}");
        }
    }
}
