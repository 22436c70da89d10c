use std::borrow::Cow;
use std::collections::HashSet;

use super::{Number, Object, Value};

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;

/// With more members than this, duplicate names are found with a set rather than pair by pair.
const FEW_MEMBERS: usize = 16;

/// Why bytes are not I-JSON (RFC 7493), and where: `offset` counts bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct SyntaxError {
    pub offset: usize,
    pub message: Cow<'static, str>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// Parses one I-JSON text.
///
/// # Errors
///
/// For anything that RFC 8259 does not allow; also for duplicate member names, lone surrogates and
/// invalid UTF-8 (RFC 7493), and for nesting deeper than [`MAX_DEPTH`].
pub fn parse(bytes: &[u8]) -> Result<Value> {
    Parser::<Tree>::whole(bytes, MAX_DEPTH)
}

/// Parses one I-JSON text that has documents in it, `levels` below its own top. These may be nested as
/// deep as if they stood alone.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_enclosing(bytes: &[u8], levels: usize) -> Result<Value> {
    Parser::<Tree>::whole(bytes, MAX_DEPTH + levels)
}

/// Checks what [`parse`] checks, without building a tree.
///
/// # Errors
///
/// As [`parse`].
pub fn check(bytes: &[u8]) -> Result<()> {
    check_enclosing(bytes, 0)
}

/// Checks what [`parse_enclosing`] checks, without building a tree.
///
/// # Errors
///
/// As [`parse`].
pub fn check_enclosing(bytes: &[u8], levels: usize) -> Result<()> {
    Parser::<Nothing>::whole(bytes, MAX_DEPTH + levels)
}

/// Like [`check`]; returns whether the value is an object.
///
/// # Errors
///
/// As [`parse`].
pub fn check_object(bytes: &[u8]) -> Result<bool> {
    check(bytes)?;
    let first = bytes.iter().find(|byte| !is_space(**byte));
    Ok(first == Some(&b'{'))
}

/// What a parser builds from its input.
trait Build {
    type Value;
    type Array: Default;
    type Object: Default;
    fn null() -> Self::Value;
    fn bool(value: bool) -> Self::Value;
    fn number(text: &str) -> Self::Value;
    fn string(text: Cow<'_, str>) -> Self::Value;
    fn push(array: &mut Self::Array, value: Self::Value);
    fn insert(object: &mut Self::Object, name: &str, value: Self::Value);
    fn array(array: Self::Array) -> Self::Value;
    fn object(object: Self::Object) -> Self::Value;
}

struct Tree;

impl Build for Tree {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Object;
    fn null() -> Value {
        Value::Null
    }
    fn bool(value: bool) -> Value {
        Value::Bool(value)
    }
    fn number(text: &str) -> Value {
        Value::Number(Number::from_checked(text))
    }
    fn string(text: Cow<'_, str>) -> Value {
        Value::String(text.into_owned())
    }
    fn push(array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }
    fn insert(object: &mut Object, name: &str, value: Value) {
        object.insert(name.to_owned(), value);
    }
    fn array(mut array: Vec<Value>) -> Value {
        if array.len() < FEW {
            array.shrink_to_fit();
        }
        Value::Array(array)
    }
    fn object(mut object: Object) -> Value {
        if !object.is_empty() && object.len() < FEW {
            object.shrink_to_fit();
        }
        Value::Object(object)
    }
}

/// With fewer values than this, an array or object has twice the room that it needs or more. A
/// document may hold a great many of them.
pub(super) const FEW: usize = 3;

struct Nothing;

impl Build for Nothing {
    type Value = ();
    type Array = ();
    type Object = ();
    fn null() {}
    fn bool(_: bool) {}
    fn number(_: &str) {}
    fn string(_: Cow<'_, str>) {}
    fn push((): &mut (), (): ()) {}
    fn insert((): &mut (), _: &str, (): ()) {}
    fn array((): ()) {}
    fn object((): ()) {}
}

/// The name of a member.
struct Name<'a> {
    /// Equal for equal names and different for most others, so most comparisons end here.
    mark: u64,
    text: Cow<'a, str>,
}

impl<'a> From<Cow<'a, str>> for Name<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        let first = text.bytes().take(7);
        let mark = first.fold(text.len() as u64, |mark, byte| {
            (mark << 8) | u64::from(byte)
        });
        Self { mark, text }
    }
}

struct Parser<'a, B> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// How many more arrays and objects may be nested here.
    levels: usize,
    /// The member names of the open objects, the innermost last.
    names: Vec<Name<'a>>,
    build: std::marker::PhantomData<B>,
}

impl<'a, B: Build> Parser<'a, B> {
    fn new(text: &'a str, levels: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            levels,
            names: Vec::new(),
            build: std::marker::PhantomData,
        }
    }

    fn whole(bytes: &'a [u8], levels: usize) -> Result<B::Value> {
        let text = std::str::from_utf8(bytes).map_err(|error| SyntaxError {
            offset: error.valid_up_to(),
            message: "invalid UTF-8".into(),
        })?;
        let mut parser = Self::new(text, levels);
        parser.space();
        let value = parser.value()?;
        parser.space();
        match parser.peek() {
            None => Ok(value),
            Some(_) => parser.fail("text after the end of the JSON value"),
        }
    }

    fn fail<T>(&self, message: impl Into<Cow<'static, str>>) -> Result<T> {
        self.fail_at(self.at, message)
    }

    fn fail_at<T>(&self, offset: usize, message: impl Into<Cow<'static, str>>) -> Result<T> {
        let message = message.into();
        Err(SyntaxError { offset, message })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Skips white space, and then `byte` if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<B::Value> {
        match self.peek() {
            Some(b'"') => self.string().map(B::string),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b't') => self.word("true", B::bool(true)),
            Some(b'f') => self.word("false", B::bool(false)),
            Some(b'n') => self.word("null", B::null()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.fail("expected a JSON value"),
            None => self.fail("the JSON text ends too soon"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<B::Value>) -> Result<B::Value> {
        if self.levels == 0 {
            return self.fail("nested deeper than 128 levels");
        }
        self.levels -= 1;
        self.at += 1;
        let value = read(self)?;
        self.levels += 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<B::Value> {
        let mut array = B::Array::default();
        if self.eat(b']') {
            return Ok(B::array(array));
        }
        loop {
            self.space();
            let value = self.value()?;
            B::push(&mut array, value);
            if self.eat(b']') {
                return Ok(B::array(array));
            }
            if !self.eat(b',') {
                return self.fail("expected `,` or `]`");
            }
        }
    }

    fn object(&mut self) -> Result<B::Value> {
        let mut object = B::Object::default();
        if self.eat(b'}') {
            return Ok(B::object(object));
        }
        let first_name = self.names.len();
        let mut seen = HashSet::new();
        loop {
            self.new_name(first_name, &mut seen)?;
            let name = self.names.len() - 1;
            if !self.eat(b':') {
                return self.fail("expected `:`");
            }
            self.space();
            let value = self.value()?;
            B::insert(&mut object, &self.names[name].text, value);
            if self.eat(b'}') {
                self.names.truncate(first_name);
                return Ok(B::object(object));
            }
            if !self.eat(b',') {
                return self.fail("expected `,` or `}`");
            }
        }
    }

    /// A member name that this object does not have yet.
    fn new_name(&mut self, first_name: usize, seen: &mut HashSet<Cow<'a, str>>) -> Result<()> {
        self.space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.fail("expected a member name");
        }
        let name = Name::from(self.string()?);
        let siblings = &self.names[first_name..];
        let is_duplicate = if siblings.len() < FEW_MEMBERS {
            let is_it = |other: &Name<'_>| other.mark == name.mark && other.text == name.text;
            siblings.iter().any(is_it)
        } else {
            if seen.is_empty() {
                seen.extend(siblings.iter().map(|it| it.text.clone()));
            }
            !seen.insert(name.text.clone())
        };
        if is_duplicate {
            return self.fail_at(start, format!("duplicate member name {:?}", name.text));
        }
        self.names.push(name);
        Ok(())
    }

    fn word(&mut self, word: &'static str, value: B::Value) -> Result<B::Value> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a JSON value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<B::Value> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(B::number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return self.fail("expected a digit");
        }
        Ok(())
    }

    /// A string, borrowed if it has no escapes.
    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut out = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.fail("a control character inside a string"),
                None => return self.fail("the JSON text ends inside a string"),
            }
            let start = self.at;
            self.plain();
            out.push_str(&self.text[start..self.at]);
        }
    }

    /// Moves to the next quote, backslash or control character.
    fn plain(&mut self) {
        self.at += plain_length(&self.bytes[self.at..]);
    }

    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        let letter = self.bytes.get(self.at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return self.fail_at(start, "an escape that JSON does not have"),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char> {
        let lone = "a lone surrogate";
        let first = self.hex(start)?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).map_or_else(|| self.fail_at(start, lone), Ok);
        }
        if first >= 0xdc00 || !self.bytes[self.at..].starts_with(b"\\u") {
            return self.fail_at(start, lone);
        }
        self.at += 2;
        let second = self.hex(start)?;
        if !(0xdc00..0xe000).contains(&second) {
            return self.fail_at(start, lone);
        }
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(code).map_or_else(|| self.fail_at(start, lone), Ok)
    }

    fn hex(&mut self, start: usize) -> Result<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let is_hex = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        if !is_hex {
            return self.fail_at(start, "`\\u` needs four hexadecimal digits");
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
        self.at += 4;
        Ok(digits.iter().fold(0, |code, byte| code * 16 + digit(byte)))
    }
}

/// How many bytes there are before the next quote, backslash or control character. Works on eight
/// bytes at a time, since documents consist mostly of strings.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let rest = &bytes[at..];
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The lowest set bit marks the first quote, backslash or control character of eight bytes; no bit
/// is set if there is none (Anderson, "Bit Twiddling Hacks": determine if a word has a byte less
/// than n). Borrows can set bits above a true one, never below.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_not_i_json_are_refused_with_their_offset() {
        let deep = "[".repeat(129);
        let cases: &[(&[u8], usize)] = &[
            (b"", 0),
            (b" ", 1),
            (b"{", 1),
            (br#"{"a":1,"a":2}"#, 7),
            (br#"{"a":1,"\u0061":2}"#, 7),
            (br#"{"a":{"b":1},"c":{"b":2,"b":3}}"#, 24),
            (br#"{"a":1,}"#, 7),
            (b"[1,]", 3),
            (b"01", 1),
            (b"1.", 2),
            (b"-", 1),
            (b"+1", 0),
            (b"1e", 2),
            (b"NaN", 0),
            (b"nul", 0),
            (br#""\ud800""#, 1),
            (br#""\udc00\ud800""#, 1),
            (br#""\ud800\u0041""#, 1),
            (br#""\x""#, 1),
            (br#""\u00g0""#, 1),
            (b"\"a\nb\"", 2),
            (b"\"open", 5),
            (b"\"\xff\"", 1),
            (b"\xef\xbb\xbf{}", 0),
            (b"{} {}", 3),
            (b"'a'", 0),
            (deep.as_bytes(), 128),
        ];
        for (bytes, offset) in cases {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(check(bytes).unwrap_err().offset, *offset, "{text}");
            assert_eq!(parse(bytes).unwrap_err().offset, *offset, "{text}");
        }
    }

    #[test]
    fn special_bytes_are_found_wherever_they_are() {
        for length in 0..40 {
            for at in 0..length {
                for special in [0, 0x1f, b'"', b'\\'] {
                    let mut text = vec![b'x'; length];
                    text[at] = special;
                    // Neighbours that differ from it by one bit or by one.
                    for neighbour in [0x20, 0x21, 0x23, b'[', b']', 0x7f, 0x80, 0xff] {
                        if at > 0 {
                            text[at - 1] = neighbour;
                        }
                        let found = text.chunks_exact(8).enumerate().find_map(|(index, chunk)| {
                            let bits = special_bytes(u64::from_le_bytes(chunk.try_into().unwrap()));
                            (bits != 0).then(|| index * 8 + bits.trailing_zeros() as usize / 8)
                        });
                        let expected = (at < length / 8 * 8).then_some(at);
                        assert_eq!(found, expected, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn duplicates_are_found_among_many_members_too() {
        let mut members: Vec<_> = (0..40).map(|n| format!("\"m{n}\":{n}")).collect();
        assert!(check(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
        members.push("\"m3\":0".into());
        let error = check(format!("{{{}}}", members.join(",")).as_bytes()).unwrap_err();
        assert!(error.message.contains("m3"), "{error}");
    }

    #[test]
    fn what_is_parsed_is_written_back_the_same() {
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        let cases = [
            r#"{"b":1,"a":[1.0,1e400,-0,12345678901234567890],"":null}"#,
            r#""\"\\/\n\u0001é😀""#,
            "[true,false,null,{}]",
            &deep,
        ];
        for text in cases {
            assert_eq!(parse(text.as_bytes()).unwrap().to_text(), text);
        }
        let escaped = parse(br#""\ud83d\ude00\u00e9\b\f\/""#).unwrap();
        assert_eq!(escaped, Value::from("😀é\u{8}\u{c}/"));
    }
}
