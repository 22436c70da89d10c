use super::value::write_string;
use super::{Object, Value};

/// What can be written as JSON.
pub trait ToText {
    fn write_text(&self, out: &mut String);
}

/// An object that is put down member by member, as text: what is only to be sent needs no tree.
#[derive(Clone, Debug)]
pub struct Draft(String);

/// Room for a draft of a few members, so that it need not grow with each of them, in bytes.
const ROOM: usize = 192;

impl Default for Draft {
    fn default() -> Self {
        let mut text = String::with_capacity(ROOM);
        text.push('{');
        Self(text)
    }
}

impl Draft {
    /// Adds a member; there must be none of this name yet.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToText) -> Self {
        self.add(name, value);
        self
    }

    /// As [`Draft::with`].
    pub fn add(&mut self, name: &str, value: impl ToText) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        write_string(name, &mut self.0);
        self.0.push(':');
        value.write_text(&mut self.0);
    }

    /// All of it.
    pub fn into_text(self) -> String {
        let mut text = self.0;
        text.push('}');
        text
    }
}

impl ToText for Draft {
    fn write_text(&self, out: &mut String) {
        out.push_str(&self.0);
        out.push('}');
    }
}

/// What is JSON text already.
#[derive(Clone, Copy, Debug)]
pub struct RawText<'a>(pub &'a str);

impl ToText for RawText<'_> {
    fn write_text(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

impl ToText for Value {
    fn write_text(&self, out: &mut String) {
        self.write(out);
    }
}

impl ToText for Object {
    fn write_text(&self, out: &mut String) {
        Value::write_members(self, out);
    }
}

impl ToText for str {
    fn write_text(&self, out: &mut String) {
        write_string(self, out);
    }
}

impl ToText for String {
    fn write_text(&self, out: &mut String) {
        write_string(self, out);
    }
}

impl ToText for bool {
    fn write_text(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl ToText for u64 {
    fn write_text(&self, out: &mut String) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = *self;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
    }
}

/// `None` becomes null. Where absent is meant, leave the member out.
impl<T: ToText> ToText for Option<T> {
    fn write_text(&self, out: &mut String) {
        match self {
            Some(value) => value.write_text(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: ToText> ToText for [T] {
    fn write_text(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.write_text(out);
        }
        out.push(']');
    }
}

impl<T: ToText> ToText for Vec<T> {
    fn write_text(&self, out: &mut String) {
        self.as_slice().write_text(out);
    }
}

impl<T: ToText + ?Sized> ToText for &T {
    fn write_text(&self, out: &mut String) {
        (**self).write_text(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{object, parse};

    #[test]
    fn a_draft_is_written_as_the_tree_would_be() {
        assert_eq!(Draft::default().into_text(), "{}");
        let inner = || Draft::default().with("a", 0).with("b\n", true);
        let names = vec!["x".to_owned(), "\"y".to_owned()];
        let draft = Draft::default()
            .with("number", u64::MAX)
            .with("none", None::<bool>)
            .with("some", Some("text"))
            .with("names", &names)
            .with("rows", vec![inner(), inner()])
            .with("object", object([("é", Value::from(10))]))
            .with("value", Value::Array(Vec::new()));
        let text = draft.into_text();
        let tree = parse(text.as_bytes()).unwrap();
        assert_eq!(tree.to_text(), text);
        assert_eq!(tree.get("number"), Some(&Value::from(u64::MAX)));
        assert_eq!(tree.get("names"), Some(&Value::from(names)));
        let row = object([("a", Value::from(0)), ("b\n", true.into())]);
        assert_eq!(tree.get("rows"), Some(&Value::from(vec![row.clone(), row])));
    }
}
