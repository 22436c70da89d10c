use std::{fmt, io};

use crate::history::members::Member;

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1: where the member or its value begins, or where the line stops making sense.
    pub column: usize,
    /// The member that it is about, if it is about one.
    pub member: Option<String>,
    pub problem: Problem,
}

/// What is wrong with a line of a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("not JSON: {0}")]
    Syntax(&'static str),
    #[error("not UTF-8")]
    Encoding,
    #[error("there is no such member{}", suggest(.0))]
    UnknownMember(Option<&'static str>),
    #[error("is there twice")]
    Twice,
    #[error("is missing")]
    Missing,
    #[error("must be {0}")]
    Type(&'static str),
    #[error("is one of {}{}", .all.join(", "), suggest(.meant))]
    NoSuchWord {
        all: Vec<&'static str>,
        meant: Option<&'static str>,
    },
    #[error("{0}")]
    Sense(&'static str),
}

/// Why reading stopped, or a line was passed over.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The line is passed over; reading can go on. In order of the column.
    #[error("{}", list(.0))]
    Mistakes(Vec<Mistake>),
    #[error("could not read the history")]
    Io(#[from] io::Error),
}

fn suggest(meant: &Option<&'static str>) -> String {
    meant.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn list(mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if let Some(member) = &self.member {
            write!(f, "`{member}` ")?;
        }
        self.problem.fmt(f)
    }
}

/// A mistake by its byte in the line.
pub(super) struct Slip {
    pub(super) at: usize,
    pub(super) member: Option<String>,
    pub(super) problem: Problem,
}

impl Slip {
    pub(super) fn of(member: Member, at: usize, problem: Problem) -> Self {
        Self {
            at,
            member: Some(member.name().to_owned()),
            problem,
        }
    }

    pub(super) fn syntax(at: usize, problem: &'static str) -> Self {
        Self {
            at,
            member: None,
            problem: Problem::Syntax(problem),
        }
    }

    /// Counts characters up to it.
    pub(super) fn in_line(self, line: usize, text: &[u8]) -> Mistake {
        let before = text.get(..self.at).unwrap_or(text);
        Mistake {
            line,
            column: String::from_utf8_lossy(before).chars().count() + 1,
            member: self.member,
            problem: self.problem,
        }
    }
}

/// The word of `all` that was probably meant.
pub(super) fn nearest(word: &str, all: &[&'static str]) -> Option<&'static str> {
    all.iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}
