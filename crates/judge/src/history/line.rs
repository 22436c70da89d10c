use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::history::members::{Member, nonsense};
use crate::history::mistake::{Problem, Slip, nearest};
use crate::history::operation::{Kind, Operation, Outcome};

/// Reads one line.
///
/// # Errors
///
/// Everything that is wrong with it, in order; after a mistake in its syntax, nothing more is looked for.
pub(super) fn parse(line: &str) -> Result<Operation<'_>, Vec<Slip>> {
    let mut draft = Draft::default();
    let mut cursor = Cursor { line, at: 0 };
    if let Err(slip) = draft.read(&mut cursor) {
        draft.slips.push(slip);
        return Err(draft.slips);
    }
    draft.finish(line)
}

/// What has been read of an operation.
#[derive(Default)]
struct Draft<'a> {
    /// By [`Member`]: where its value begins.
    places: [Option<usize>; Member::ALL.len()],
    texts: [Option<Cow<'a, str>>; Member::ALL.len()],
    begun: u64,
    ended: Option<u64>,
    absent: bool,
    slips: Vec<Slip>,
}

impl<'a> Draft<'a> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Slip> {
        cursor.expect(b'{', "an operation is an object")?;
        if !cursor.skip(b'}') {
            loop {
                self.read_member(cursor)?;
                if !cursor.skip(b',') {
                    break;
                }
            }
            cursor.expect(b'}', "expected `,` or `}`")?;
        }
        match cursor.peek() {
            None => Ok(()),
            Some(_) => Err(Slip::syntax(cursor.at, "one operation to a line")),
        }
    }

    fn read_member(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Slip> {
        cursor.peek();
        let at = cursor.at;
        let name = cursor.text("expected the name of a member")?;
        cursor.expect(b':', "expected `:`")?;
        cursor.peek();
        let Some(member) = Member::named(&name) else {
            self.slips.push(Slip {
                at,
                problem: Problem::UnknownMember(nearest(&name, &Member::ALL.map(Member::name))),
                member: Some(name.into_owned()),
            });
            return cursor.skip_value();
        };
        if self.places[member as usize].replace(cursor.at).is_some() {
            self.slips.push(Slip::of(member, at, Problem::Twice));
        }
        self.read_value(member, cursor)
    }

    fn read_value(&mut self, member: Member, cursor: &mut Cursor<'a>) -> Result<(), Slip> {
        let at = cursor.at;
        let wanted = match (member, cursor.peek()) {
            (Member::Begun, Some(b'0'..=b'9')) => match cursor.number()? {
                Some(number) => {
                    self.begun = number;
                    return Ok(());
                }
                None => MICROSECONDS,
            },
            (Member::Ended, Some(b'0'..=b'9')) => match cursor.number()? {
                Some(number) => {
                    self.ended = Some(number);
                    return Ok(());
                }
                None => MICROSECONDS_OR_NULL,
            },
            (Member::Ended, _) if cursor.word("null") => {
                self.ended = None;
                return Ok(());
            }
            (Member::Absent, _) if cursor.word("true") => {
                self.absent = true;
                return Ok(());
            }
            (Member::Absent, _) if cursor.word("false") => {
                self.absent = false;
                return Ok(());
            }
            (Member::Begun, _) => MICROSECONDS,
            (Member::Ended, _) => MICROSECONDS_OR_NULL,
            (Member::Absent, _) => "true or false",
            (_, Some(b'"')) => {
                self.texts[member as usize] = Some(cursor.text("")?);
                return Ok(());
            }
            _ => "a string",
        };
        self.slips.push(Slip::of(member, at, Problem::Type(wanted)));
        if cursor.at == at {
            cursor.skip_value()?;
        }
        Ok(())
    }

    fn finish(mut self, line: &str) -> Result<Operation<'a>, Vec<Slip>> {
        for member in Member::ALL {
            if member.is_required() && self.places[member as usize].is_none() {
                let slip = Slip::of(member, line.len(), Problem::Missing);
                self.slips.push(slip);
            }
        }
        let kind = self.one_of(Member::Kind, &Kind::ALL);
        let outcome = self.one_of(Member::Outcome, &Outcome::ALL);
        let (Some(kind), Some(outcome), true) = (kind, outcome, self.slips.is_empty()) else {
            self.slips.sort_by_key(|slip| slip.at);
            return Err(self.slips);
        };
        let mut take = |member: Member| self.texts[member as usize].take();
        let operation = Operation {
            actor: take(Member::Actor).unwrap_or_default(),
            key: take(Member::Key).unwrap_or_default(),
            kind,
            begun: self.begun,
            ended: self.ended,
            outcome,
            base: take(Member::Base),
            expected: take(Member::Expected),
            value: take(Member::Value),
            tag: take(Member::Tag),
            absent: self.absent,
        };
        match nonsense(&operation) {
            None => Ok(operation),
            Some((member, said)) => {
                let at = self.places[member as usize].unwrap_or(line.len());
                Err(vec![Slip::of(member, at, Problem::Sense(said))])
            }
        }
    }

    /// The word that `member` says; `None` if it is missing or wrong.
    fn one_of<T: Copy>(&mut self, member: Member, all: &[(&'static str, T)]) -> Option<T> {
        let word = self.texts[member as usize].as_deref()?;
        let found = all.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            let problem = Problem::NoSuchWord {
                meant: nearest(word, &names),
                all: names,
            };
            let at = self.places[member as usize].unwrap_or_default();
            self.slips.push(Slip::of(member, at, problem));
        }
        found.map(|(_, one)| *one)
    }
}

const MICROSECONDS: &str = "a whole number of microseconds, 0 or more";
const MICROSECONDS_OR_NULL: &str = "a whole number of microseconds, 0 or more, or null";

/// A place in a line.
struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.line.as_bytes();
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Slip> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(Slip::syntax(self.at, otherwise))
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let is_there = self.line[self.at..].starts_with(word);
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    fn text(&mut self, otherwise: &'static str) -> Result<Cow<'a, str>, Slip> {
        self.expect(b'"', otherwise)?;
        let from = self.at;
        let bytes = self.line.as_bytes();
        let mut escaped = false;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..0x20) => return Err(Slip::syntax(self.at, "a control character")),
                Some(_) => self.at += 1,
                None => return Err(Slip::syntax(from - 1, "a string that does not end")),
            }
        }
        let inner = &self.line[from..self.at];
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(inner));
        }
        serde_json::from_str(&self.line[from - 1..self.at])
            .map(Cow::Owned)
            .map_err(|_| Slip::syntax(from - 1, "a string with an escape that JSON does not know"))
    }

    /// A whole number, or `None` if it is a number of another kind.
    fn number(&mut self) -> Result<Option<u64>, Slip> {
        let from = self.at;
        let bytes = self.line.as_bytes();
        let mut number = Some(0_u64);
        while let Some(digit @ b'0'..=b'9') = bytes.get(self.at) {
            let digit = u64::from(digit - b'0');
            number = number.and_then(|number| number.checked_mul(10)?.checked_add(digit));
            self.at += 1;
        }
        let leads = bytes[from] == b'0' && self.at - from > 1;
        if leads || matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            self.at = from;
            self.skip_value()?;
            return Ok(None);
        }
        Ok(number)
    }

    /// Whatever value stands here.
    fn skip_value(&mut self) -> Result<(), Slip> {
        let rest = &self.line[self.at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                self.at += values.byte_offset();
                Ok(())
            }
            _ => Err(Slip::syntax(self.at, "expected a value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Mistake;

    const GOOD: &str =
        r#"{"actor":"a","key":"k","kind":"read","begun":1,"ended":2,"outcome":"ok","value":"v"}"#;

    fn mistakes(line: &str) -> Vec<String> {
        let slips = parse(line).err().unwrap_or_default();
        let mistakes = slips
            .into_iter()
            .map(|slip| slip.in_line(1, line.as_bytes()));
        mistakes
            .map(|mistake: Mistake| mistake.to_string())
            .collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let cases = [
            (GOOD.to_owned(), vec![]),
            (
                String::from("[]"),
                vec!["line 1, column 1: not JSON: an operation is an object"],
            ),
            (
                GOOD.replace("\"value\"", "\"vaule\""),
                vec!["line 1, column 73: `vaule` there is no such member; did you mean value?"],
            ),
            (
                GOOD.replace("\"v\"", "{\"x\":[1,\"}\"]}"),
                vec!["line 1, column 81: `value` must be a string"],
            ),
            (
                GOOD.replace("\"read\"", "\"raed\""),
                vec![
                    "line 1, column 31: `kind` is one of read, write, compare-and-set, create, delete; did you mean read?",
                ],
            ),
            (
                GOOD.replace("1,\"ended\":2", "1.5,\"ended\":-2"),
                vec![
                    "line 1, column 46: `begun` must be a whole number of microseconds, 0 or more",
                    "line 1, column 58: `ended` must be a whole number of microseconds, 0 or more, or null",
                ],
            ),
            (
                GOOD.replace(",\"begun\":1", ""),
                vec!["line 1, column 75: `begun` is missing"],
            ),
            (
                GOOD.replace("1,\"e", "01,\"e"),
                vec!["line 1, column 46: not JSON: expected a value"],
            ),
            (
                GOOD.replace("1,\"e", "99999999999999999999,\"e"),
                vec![
                    "line 1, column 46: `begun` must be a whole number of microseconds, 0 or more",
                ],
            ),
            (
                GOOD.replace("\"actor\"", "\"key\":\"ä\",\"actor\"")
                    .replace("\"k\",", "7,"),
                vec![
                    "line 1, column 24: `key` is there twice",
                    "line 1, column 30: `key` must be a string",
                ],
            ),
            (
                GOOD.replace(":2", ":0"),
                vec!["line 1, column 56: `ended` is before `begun`"],
            ),
            (
                GOOD.replace(":2", ":null"),
                vec![
                    "line 1, column 56: `ended` is null, so nothing was answered: `outcome` must be unknown",
                ],
            ),
            (
                GOOD.replace(",\"value\":\"v\"", ""),
                vec!["line 1, column 73: `value` or `tag` or `absent` is missing: what was read?"],
            ),
            (
                GOOD.replace("\"read\"", "\"compare-and-set\""),
                vec!["line 1, column 96: `base` or `expected` is missing: what did it demand?"],
            ),
            (
                GOOD.replace("}", ",\"base\":\"b\"}"),
                vec!["line 1, column 92: `base` belongs to a compare-and-set or a delete"],
            ),
            (
                GOOD.replace("}", ",\"absent\":true}"),
                vec!["line 1, column 94: `absent` contradicts `value` and `tag`"],
            ),
            (
                GOOD.replace("\"v\"}", "\"v"),
                vec!["line 1, column 81: not JSON: a string that does not end"],
            ),
            (
                format!("{GOOD} {GOOD}"),
                vec!["line 1, column 86: not JSON: one operation to a line"],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(mistakes(&line), expected, "{line}");
        }
    }
}
