use std::cell::OnceCell;
use std::ops::Range;

use bytes::Bytes;

use super::scan::{Name, Scanner};
use super::value::write_string;
use super::{Value, parse};

/// The members of an object as texts, in order: all that can be known of a document without
/// building a tree.
#[derive(Clone, Debug)]
pub struct Members {
    text: Bytes,
    all: Vec<Member>,
    /// The members in the order of their names: built when one is looked for that is not where the
    /// other object has it.
    by_name: OnceCell<Vec<u32>>,
}

#[derive(Clone, Debug)]
struct Member {
    /// From the opening quote of the name to the end of the value.
    whole: Range<usize>,
    name: Name,
    value: Range<usize>,
    /// Whether it has the form that [`Value::to_text`] would write.
    is_plain: bool,
    /// The index of the member with the same name and text in the other object.
    twin: Option<usize>,
}

impl Members {
    /// Splits `text`, which must be a checked JSON object.
    pub fn of(text: Bytes) -> Self {
        let nothing = Self {
            text: Bytes::new(),
            all: Vec::new(),
            by_name: OnceCell::new(),
        };
        Self::like(text, &nothing)
    }

    /// Like [`Members::of`], for a text that has much in common with another: members that are the
    /// same there are not parsed again, and have a [`Members::twin`].
    pub fn like(text: Bytes, other: &Self) -> Self {
        debug_assert!(text.trim_ascii_start().starts_with(b"{"), "it is an object");
        let mut all = Vec::with_capacity(other.len());
        let mut scanner = Scanner::new(&text);
        scanner.eat(b'{');
        let mut next = 0;
        loop {
            scanner.space();
            let member = match other.member_at(next, &text[scanner.at..]) {
                Some(same) => same.moved_to(scanner.at, next),
                None => match Member::read(&mut scanner) {
                    Some(member) => {
                        let namesake = other.find(member.name.of(&text), next);
                        next = namesake.map_or(next, |index| index + 1);
                        let is_same = |index: &usize| other.has(*index, &member, &text);
                        let twin = namesake.filter(is_same);
                        Member { twin, ..member }
                    }
                    None => break,
                },
            };
            scanner.at = member.whole.end;
            next = member.twin.map_or(next, |twin| twin + 1);
            all.push(member);
            if !scanner.eat(b',') {
                break;
            }
        }
        Self {
            text,
            all,
            by_name: OnceCell::new(),
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The name of a member, without escapes.
    pub fn name(&self, index: usize) -> &str {
        let name = self.all[index].name.of(&self.text);
        std::str::from_utf8(name).expect("a text that was checked is UTF-8")
    }

    /// The text of a value.
    pub fn text(&self, index: usize) -> &[u8] {
        &self.text[self.all[index].value.clone()]
    }

    /// The tree of a value.
    pub fn value(&self, index: usize) -> Value {
        parse(self.text(index)).expect("a text that was checked is JSON")
    }

    /// The text of a value, as [`Value::to_text`] would write it. It stands by itself, so who keeps it does not keep
    /// the text around it.
    pub fn plain_text(&self, index: usize) -> Bytes {
        let member = &self.all[index];
        match member.is_plain {
            true => Bytes::copy_from_slice(self.text(index)),
            false => self.value(index).to_text().into(),
        }
    }

    /// The index of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.find(name.as_bytes(), 0)
    }

    /// The index of the member with the same name and text in the other object, if this one was
    /// read with [`Members::like`].
    pub fn twin(&self, index: usize) -> Option<usize> {
        self.all[index].twin
    }

    /// Writes a member as [`Value::to_text`] would.
    pub fn write(&self, index: usize, out: &mut Vec<u8>) {
        let member = &self.all[index];
        if member.is_plain {
            out.extend_from_slice(&self.text[member.whole.clone()]);
        } else {
            write_member(self.name(index), &self.value(index), out);
        }
    }

    /// The member at `index`, if `text` begins with it.
    fn member_at(&self, index: usize, text: &[u8]) -> Option<&Member> {
        let member = self.all.get(index)?;
        let whole = &self.text[member.whole.clone()];
        // A number could continue.
        let ends =
            |next: Option<&u8>| matches!(next, Some(b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r'));
        (text.starts_with(whole) && ends(text.get(whole.len()))).then_some(member)
    }

    /// The index of the member with a name; `next` is tried first.
    fn find(&self, name: &[u8], next: usize) -> Option<usize> {
        if next < self.len() && self.name_bytes(next) == name {
            return Some(next);
        }
        let by_name = self.by_name.get_or_init(|| {
            let mut order: Vec<u32> = (0..self.all.len()).map(|index| index as u32).collect();
            order.sort_unstable_by_key(|index| self.name_bytes(*index as usize));
            order
        });
        let found = by_name.binary_search_by_key(&name, |index| self.name_bytes(*index as usize));
        found.ok().map(|at| by_name[at] as usize)
    }

    fn name_bytes(&self, index: usize) -> &[u8] {
        self.all[index].name.of(&self.text)
    }

    /// Whether there is a member with this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Whether the value at `index` has the text that a member of another text has.
    fn has(&self, index: usize, member: &Member, text: &[u8]) -> bool {
        self.text[self.all[index].value.clone()] == text[member.value.clone()]
    }
}

impl Member {
    /// `None` if no member follows.
    fn read(scanner: &mut Scanner<'_>) -> Option<Self> {
        scanner.is_plain = true;
        let start = scanner.at;
        let name = scanner.name()?;
        scanner.eat(b':');
        scanner.space();
        let value = scanner.value();
        Some(Self {
            whole: start..value.end,
            name,
            value,
            is_plain: scanner.is_plain,
            twin: None,
        })
    }

    /// The member that is `twin` in its object, at its position in another text.
    fn moved_to(&self, at: usize, twin: usize) -> Self {
        let moved = |range: &Range<usize>| {
            let start = at + range.start - self.whole.start;
            start..start + range.len()
        };
        Self {
            whole: moved(&self.whole),
            name: match &self.name {
                Name::Plain(range) => Name::Plain(moved(range)),
                Name::Unescaped(name) => Name::Unescaped(name.clone()),
            },
            value: moved(&self.value),
            is_plain: self.is_plain,
            twin: Some(twin),
        }
    }
}

/// Writes a member as [`Value::to_text`] would.
pub(crate) fn write_member(name: &str, value: &Value, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(name.len() + 4 + value.weight());
    write_string(name, &mut text);
    text.push(':');
    value.write(&mut text);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Object;

    fn members(text: &'static str) -> Members {
        Members::of(Bytes::from_static(text.as_bytes()))
    }

    fn written(members: &Members) -> String {
        let mut out = vec![b'{'];
        for index in 0..members.len() {
            if index > 0 {
                out.push(b',');
            }
            members.write(index, &mut out);
        }
        out.push(b'}');
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_those_of_the_tree_and_written_as_it_is() {
        let cases = [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{"a":1,"b":[{"x":"}\"]"},2],"c":{"d":"é"},"e":"","":null,"f":true,"g":-1.50e3}"#,
            "{ \"a\" : 1 ,\n\"b\":[ 1, 2 ],\t\"c\":\"x y\" }\n",
            r#"{"\u0061\/":"\u00e9\n","b\\":"\"\\","c":{"d\t":[]}}"#,
        ];
        for text in cases {
            let members = members(text);
            let tree = parse(text.as_bytes()).unwrap();
            let found: Object = (0..members.len())
                .map(|index| (members.name(index).to_owned(), members.value(index)))
                .collect();
            assert_eq!(Value::from(found), tree, "{text}");
            assert_eq!(written(&members), tree.to_text(), "{text}");
            assert_eq!(
                members.is_empty(),
                tree == Value::from(Object::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn twins_have_one_name_and_one_text() {
        let cases = [
            // (text, other, twins)
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#, "0 1"),
            (r#"{"a":12,"b":2}"#, r#"{"a":1,"b":2}"#, "- 1"),
            (r#"{"a":1,"b":2}"#, r#"{"a":12,"b":2}"#, "- 1"),
            (r#"{"b":2,"a":1}"#, r#"{"a":1,"b":2}"#, "1 0"),
            (r#"{"b":2,"x":0,"a":1}"#, r#"{"a":1,"b":2}"#, "1 - 0"),
            (r#"{ "a" : 1 , "b" : [ ] }"#, r#"{"a":1,"b":[]}"#, "0 -"),
            (r#"{"\u0061":1,"b":1.0}"#, r#"{"a":1,"b":1}"#, "0 -"),
            ("{}", r#"{"a":1}"#, ""),
            (r#"{"a":1}"#, "{}", "-"),
        ];
        for (text, other, expected) in cases {
            let members = Members::like(Bytes::from_static(text.as_bytes()), &members(other));
            let twins: Vec<_> = (0..members.len())
                .map(|index| members.twin(index).map_or("-".into(), |it| it.to_string()))
                .collect();
            assert_eq!(twins.join(" "), expected, "{text} {other}");
            let tree = parse(text.as_bytes()).unwrap();
            assert_eq!(written(&members), tree.to_text(), "{text} {other}");
        }
    }
}
