use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::mistake::suggestion;
use super::template::{Operand, Unfilled, plain};

/// What is done to a value on its way into a text: `{{value | base64}}`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    kind: Kind,
    pub(super) arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument(pub(super) Operand);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Base64,
    Base64Decode,
    Url,
    Json,
    Quote,
    Unquote,
    Upper,
    Lower,
    Length,
    Plus,
    Minus,
}

const KINDS: [(&str, Kind); 11] = [
    ("base64", Kind::Base64),
    ("base64-decode", Kind::Base64Decode),
    ("url", Kind::Url),
    ("json", Kind::Json),
    ("quote", Kind::Quote),
    ("unquote", Kind::Unquote),
    ("upper", Kind::Upper),
    ("lower", Kind::Lower),
    ("length", Kind::Length),
    ("plus", Kind::Plus),
    ("minus", Kind::Minus),
];

impl Filter {
    /// `base64`; `plus 1`; `minus: winners`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split([' ', ':']).filter(|word| !word.is_empty());
        let name = words.next().unwrap_or_default();
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) else {
            let hint = suggestion(name, KINDS.map(|(known, _)| known));
            return Err(format!("unknown filter {name}{hint}"));
        };
        let arguments = words.map(|word| Operand::parse(word).map(Argument::from));
        let arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
        let wanted = usize::from(matches!(kind, Kind::Plus | Kind::Minus));
        if arguments.len() != wanted {
            let plural = if wanted == 1 { "" } else { "s" };
            let found = arguments.len();
            return Err(format!(
                "the filter {name} takes {wanted} argument{plural}, not {found}"
            ));
        }
        Ok(Self {
            kind: *kind,
            arguments,
        })
    }

    fn name(&self) -> &'static str {
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind);
        kind.map_or("", |(name, _)| name)
    }

    pub(super) fn apply(&self, value: Value, arguments: &[Value]) -> Result<Value, Unfilled> {
        let argument = arguments.first().unwrap_or(&Value::Null);
        let done = match self.kind {
            Kind::Base64 => Ok(STANDARD.encode(plain(value)).into()),
            Kind::Base64Decode => decode(plain(value)),
            Kind::Url => Ok(percent_encoded(&plain(value)).into()),
            Kind::Json => Ok(value.to_string().into()),
            Kind::Quote => Ok(quoted(&plain(value)).into()),
            Kind::Unquote => Ok(unquoted(&plain(value)).into()),
            Kind::Upper => Ok(plain(value).to_uppercase().into()),
            Kind::Lower => Ok(plain(value).to_lowercase().into()),
            Kind::Length => Ok(length(&value).into()),
            Kind::Plus => sum(&value, argument, 1),
            Kind::Minus => sum(&value, argument, -1),
        };
        done.map_err(|reason| Unfilled::Filter {
            filter: self.name(),
            reason,
        })
    }
}

fn decode(text: String) -> Result<Value, String> {
    let bytes = STANDARD.decode(&text);
    let bytes = bytes.map_err(|_| format!("{text:?} is not base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| "the decoded bytes are not text")?;
    Ok(text.into())
}

/// All but the unreserved characters (RFC 3986, section 2.3), as a path segment or a query value
/// takes it.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// An entity tag with its quotes (RFC 9110, section 8.8.3), which are added where they are missing.
pub(super) fn quoted(tag: &str) -> String {
    if is_quoted(tag) {
        tag.to_owned()
    } else {
        format!("\"{tag}\"")
    }
}

/// Whether a value of If-Match is one that a server can read: `*`, or tags in quotes.
pub(super) fn is_quoted(tag: &str) -> bool {
    let tag = tag.trim();
    let strong = tag.strip_prefix("W/").unwrap_or(tag);
    tag == "*" || (strong.len() >= 2 && strong.starts_with('"') && strong.ends_with('"'))
}

fn unquoted(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// `value` and `sign` times `other`; whole as long as both are.
fn sum(value: &Value, other: &Value, sign: i64) -> Result<Value, String> {
    let whole = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    let float = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    if let (Some(a), Some(b)) = (whole(value), whole(other))
        && let Some(sum) = b.checked_mul(sign).and_then(|b| a.checked_add(b))
    {
        return Ok(sum.into());
    }
    let number = |value: &Value| float(value).ok_or_else(|| format!("{value} is not a number"));
    let direction = if sign < 0 { -1.0 } else { 1.0 };
    let sum = Number::from_f64(number(value)? + direction * number(other)?);
    sum.map(Value::Number)
        .ok_or_else(|| "the result is not a number".to_owned())
}
