use std::fmt;

use super::parse::plain_length;
use super::{Number, Object, Pointer};

/// A JSON value. Equality is by value: `1` equals `1.0`, and member order does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(Object),
}

/// The six types of RFC 8259, section 3, in the order in which lists sort them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Value {
    /// The type of the value.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::Array(_) => Type::Array,
            Self::Object(_) => Type::Object,
        }
    }

    /// The text of a string; `None` for other types.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members of an object; `None` for other types.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member of an object; `None` also for other types.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The value that `pointer` names (RFC 6901, section 4).
    pub fn at(&self, pointer: &Pointer) -> Option<&Self> {
        pointer
            .tokens()
            .iter()
            .try_fold(self, |value, token| match value {
                Self::Object(members) => members.get(token.as_str()),
                Self::Array(items) => items.get(Pointer::index(token)?),
                _ => None,
            })
    }

    /// How deep arrays and objects are nested: 0 for a scalar, 1 for `[]`.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// How many values it consists of, itself among them.
    pub fn count(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Self::Object(members) => 1 + members.values().map(Self::count).sum::<usize>(),
            _ => 1,
        }
    }

    /// The approximate length of the compact text: escapes are not counted.
    pub fn weight(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 5,
            Self::Number(number) => number.as_str().len() + 1,
            Self::String(text) => text.len() + 3,
            Self::Array(items) => 2 + items.iter().map(Self::weight).sum::<usize>(),
            Self::Object(members) => {
                let weigh = |(name, value): (&String, &Self)| name.len() + 4 + value.weight();
                2 + members.iter().map(weigh).sum::<usize>()
            }
        }
    }

    /// Compact text, with the digits of numbers as they were sent.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.weight());
        self.write(&mut out);
        out
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => out.push_str(number.as_str()),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                write_all(out, ['[', ']'], items.iter(), |item, out| item.write(out));
            }
            Self::Object(members) => Self::write_members(members, out),
        }
    }

    pub(super) fn write_members(members: &Object, out: &mut String) {
        write_all(out, ['{', '}'], members.iter(), |(name, value), out| {
            write_string(name, out);
            out.push(':');
            value.write(out);
        });
    }

    /// A text that is the same for equal values: members are sorted, numbers normalized.
    pub fn canonical(&self) -> String {
        match self {
            Self::Number(number) => number.canonical(),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                let mut out = String::new();
                write_all(
                    &mut out,
                    ['{', '}'],
                    members.iter(),
                    |(name, value), out| {
                        write_string(name, out);
                        out.push(':');
                        out.push_str(&value.canonical());
                    },
                );
                out
            }
            scalar => scalar.to_text(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

/// `None` becomes null. To make a member absent, leave it out.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl From<Object> for Value {
    fn from(members: Object) -> Self {
        Self::Object(members)
    }
}

/// An object from its members.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn write_all<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_length(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = special.bytes().next() else {
            break;
        };
        rest = &special[1..];
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push('"');
}
