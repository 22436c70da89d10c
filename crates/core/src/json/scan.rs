use std::ops::Range;

use super::Value;
use super::parse::{is_space, parse, plain_length};

/// The name of a member, without its escapes.
#[derive(Clone, Debug)]
pub(super) enum Name {
    /// It has no escapes and is in the text.
    Plain(Range<usize>),
    Unescaped(Box<str>),
}

impl Name {
    pub(super) fn of<'a>(&'a self, bytes: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Plain(range) => &bytes[range.clone()],
            Self::Unescaped(name) => name.as_bytes(),
        }
    }
}

/// Goes through a checked text token by token, without building a tree.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// Whether everything so far has the form that [`Value::to_text`] would write.
    pub(super) is_plain: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            is_plain: true,
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
            self.is_plain = false;
        }
    }

    /// Skips white space, and then `byte` if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Skips a member name; `None` if there is no string.
    pub(super) fn name(&mut self) -> Option<Name> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        self.string();
        let raw = &self.bytes[start..self.at];
        if !raw.contains(&b'\\') {
            return Some(Name::Plain(start + 1..self.at - 1));
        }
        match parse(raw) {
            Ok(Value::String(name)) => Some(Name::Unescaped(name.into())),
            _ => None,
        }
    }

    /// Skips a value, and returns its range.
    pub(super) fn value(&mut self) -> Range<usize> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.nested(),
            _ => self.scalar(),
        }
        start..self.at
    }

    fn scalar(&mut self) {
        let ends = |byte: u8| matches!(byte, b',' | b']' | b'}') || is_space(byte);
        while self.peek().is_some_and(|byte| !ends(byte)) {
            self.at += 1;
        }
    }

    fn nested(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                byte if is_space(byte) => self.is_plain = false,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'\\') => {
                    self.is_plain = false;
                    self.at += 2;
                }
                _ => break,
            }
        }
        self.at += 1;
    }
}
