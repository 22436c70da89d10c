use std::fmt::{self, Display, Formatter};

use super::redact::VARIABLE;

/// One word of a POSIX shell, made of text and of variables.
#[derive(Clone, Debug)]
pub(super) struct Word(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Word {
    /// The text, with variables where secrets were taken out of it.
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let start = format!("${VARIABLE}");
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(&start) {
            let variable = &rest[at + 1..];
            let is_of_name = |letter: char| {
                letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
            };
            let end = variable
                .find(|letter| !is_of_name(letter))
                .unwrap_or(variable.len());
            pieces.push(Piece::Text(rest[..at].to_owned()));
            pieces.push(Piece::Variable(variable[..end].to_owned()));
            rest = &variable[end..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    pub(super) fn variable(name: impl Into<String>) -> Self {
        Self(vec![Piece::Variable(name.into())])
    }

    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        for piece in other.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
                (_, piece) => self.0.push(piece),
            }
        }
        self
    }

    /// Puts a variable wherever the text of the word says `value`.
    #[must_use]
    pub(super) fn with(self, value: &str, variable: &str) -> Self {
        if value.is_empty() {
            return self;
        }
        let pieces = self.0.into_iter().flat_map(|piece| match piece {
            Piece::Variable(_) => vec![piece],
            Piece::Text(text) => {
                let mut pieces = Vec::new();
                for (index, part) in text.split(value).enumerate() {
                    if index > 0 {
                        pieces.push(Piece::Variable(variable.to_owned()));
                    }
                    pieces.push(Piece::Text(part.to_owned()));
                }
                pieces
            }
        });
        Self(pieces.collect())
    }

    fn has_variables(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Variable(_)))
    }

    /// Whether its text stays as it is between double quotes, also where a shell looks for `!` there.
    fn is_quiet(&self) -> bool {
        let mut texts = self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Variable(_) => None,
        });
        texts.all(|text| !text.contains(['"', '\\', '$', '`', '!']))
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.has_variables() && self.is_quiet() {
            return write!(f, "\"{}\"", within(&self.0));
        }
        let texts = self.0.iter().map(|piece| match piece {
            Piece::Text(text) if text.is_empty() && self.has_variables() => String::new(),
            Piece::Text(text) => format!("'{}'", text.replace('\'', r"'\''")),
            Piece::Variable(name) => format!("\"${name}\""),
        });
        f.write_str(&texts.collect::<String>())
    }
}

/// What stands between double quotes.
fn within(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let next = pieces[index + 1..].iter().find_map(|it| match it {
            Piece::Text(text) => text.chars().next(),
            Piece::Variable(_) => Some('$'),
        });
        // A letter would be read as one of the name's.
        let is_joined = next.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        text += &match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable(name) if is_joined => format!("${{{name}}}"),
            Piece::Variable(name) => format!("${name}"),
        };
    }
    text
}

/// An argument of a command, in quotes only where it needs them.
pub(super) fn argument(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./:=,@%+-".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => Word::new(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_for_a_shell() {
        let tag = |text: &str| Word::new(text).with("\"7\"", "etag");
        let cases = [
            (Word::new("it's"), r"'it'\''s'"),
            (tag("if-match: \"7\""), r#""if-match: $etag""#),
            (tag("if-match: W/\"7\""), r#""if-match: W/$etag""#),
            (tag("\"7\"x\"7\"_"), r#""${etag}x${etag}_""#),
            (tag("\"1\", \"7\", \"!\""), r#"'"1", '"$etag"', "!"'"#),
            (tag("\"7\"\"7\""), r#""$etag$etag""#),
            (Word::new("x").with("", "etag"), "'x'"),
        ];
        for (word, expected) in cases {
            assert_eq!(word.to_string(), expected, "{word:?}");
        }
        let arguments = [("--only", "--only"), ("X: 1", "'X: 1'"), ("", "''")];
        for (text, expected) in arguments {
            assert_eq!(argument(text), expected, "{text}");
        }
    }
}
