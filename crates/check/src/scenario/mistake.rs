use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where something stands in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Something that is wrong in a scenario, or that looks as if it were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: PathBuf,
    pub position: Position,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(
            f,
            "{}:{line}:{column}: {}",
            self.file.display(),
            self.message
        )
    }
}

/// All that is wrong, in the order of places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A text that is being read, and what was found in it so far.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    lines: Vec<&'a str>,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self {
            path,
            lines: text.lines().collect(),
            mistakes: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    pub(super) fn mistake(&self, position: Position, message: impl Into<String>) {
        self.mistakes.borrow_mut().push(self.at(position, message));
    }

    /// Something that can be meant as it stands, and mostly is not.
    pub(super) fn warning(&self, position: Position, message: impl Into<String>) {
        self.warnings.borrow_mut().push(self.at(position, message));
    }

    fn at(&self, position: Position, message: impl Into<String>) -> Mistake {
        Mistake {
            file: self.path.to_owned(),
            position,
            message: message.into(),
        }
    }

    /// Where `part` of a text that begins at `position` stands: exact on its first line, as far as it
    /// is written there as it is; otherwise its beginning.
    pub(super) fn within(&self, position: Position, part: &str) -> Position {
        let line = position
            .line
            .checked_sub(1)
            .and_then(|at| self.lines.get(at));
        let skipped = position.column.saturating_sub(1);
        let found = line.and_then(|line| {
            let start = line.char_indices().nth(skipped)?.0;
            let found = line[start..].find(part)?;
            Some(line[..start + found].chars().count() + 1)
        });
        Position {
            column: found.unwrap_or(position.column),
            ..position
        }
    }

    /// The warnings, or all mistakes if there are any.
    pub(super) fn finish(self) -> Result<Vec<Mistake>, Mistakes> {
        let in_order = |mut found: Vec<Mistake>| {
            found.sort_by_key(|it| it.position);
            found.dedup();
            found
        };
        match in_order(self.mistakes.into_inner()) {
            found if found.is_empty() => Ok(in_order(self.warnings.into_inner())),
            found => Err(Mistakes(found)),
        }
    }
}

/// `; did you mean X?` for the word that is closest to what was written, if one is close.
pub(super) fn suggestion<'w>(found: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let distances = words
        .into_iter()
        .map(|word| (strsim::osa_distance(word, found), word));
    let close = distances.filter(|(distance, word)| {
        let is_near = *distance <= 2 && *distance * 2 < word.chars().count();
        is_near || word.eq_ignore_ascii_case(found)
    });
    let hint = |(_, word): (usize, &str)| format!("; did you mean {word}?");
    close.min().map(hint).unwrap_or_default()
}
