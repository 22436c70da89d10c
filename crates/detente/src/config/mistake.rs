use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Something wrong in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
        } = self;
        write!(f, "{}:{line}:{column}: {message}", file.display())
    }
}

/// All mistakes, in the order of files and places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A text that is being read, and the mistakes found so far.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    found: &'a RefCell<Vec<Mistake>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str, found: &'a RefCell<Vec<Mistake>>) -> Self {
        Self { path, text, found }
    }

    /// Another file, whose mistakes are collected with these.
    pub(super) fn beside<'b>(&'b self, path: &'b Path, text: &'b str) -> Source<'b> {
        Source {
            path,
            text,
            found: self.found,
        }
    }

    pub(super) fn mistake(&self, span: Range<usize>, message: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.found.borrow_mut().push(Mistake {
            file: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        });
    }

    /// A place within the string at `span`: exact if the string is on one line and has no escapes,
    /// otherwise its beginning. `offset` counts characters.
    pub(super) fn within(&self, span: Range<usize>, offset: usize) -> Range<usize> {
        let literal = self.text.get(span.clone()).unwrap_or_default();
        let is_plain = !literal.contains('\\')
            && !literal.starts_with("\"\"\"")
            && !literal.starts_with("'''");
        let skipped = literal
            .chars()
            .skip(1)
            .take(offset)
            .map(char::len_utf8)
            .sum::<usize>();
        let start = if is_plain {
            span.start + 1 + skipped
        } else {
            span.start
        };
        start..span.end
    }
}
