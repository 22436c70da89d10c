use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::mistake::{Mistakes, Position, Source};

/// Reads a file of `NAME=value` lines, as shells and containers have them.
///
/// Empty lines and those that begin with `#` say nothing; `export` may stand before a name, and
/// quotes around a value, which are taken away.
///
/// # Errors
///
/// Every line that is none of these, with its place.
pub fn parse_env(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Mistakes> {
    let source = Source::new(path, text);
    let mut env = BTreeMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let text = text.strip_prefix("export ").unwrap_or(text);
        match text.split_once('=') {
            Some((name, value)) if is_name(name.trim()) => {
                env.insert(name.trim().to_owned(), bare(value.trim()).to_owned());
            }
            _ => source.mistake(Position { line, column: 1 }, "a line must be NAME=value"),
        }
    }
    source.finish().map(|_| env)
}

/// The names that the text of scenarios reads from the environment, as `{{env.NAME}}`; perhaps others that stand in
/// comments.
pub fn names_in(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let behind = text.split("env.").skip(1);
    behind
        .map(|rest| &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())])
        .filter(|name| !name.is_empty())
        .collect()
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_part)
}

fn bare(value: &str) -> &str {
    let between = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_values() {
        let text = "# secrets\n\nA=1\nexport B = \"two words\"\nC='x=y'\nD=\n";
        let env = parse_env(Path::new(".env"), text).unwrap();
        let found: Vec<_> = env
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        assert_eq!(found, ["A:1", "B:two words", "C:x=y", "D:"]);
    }

    #[test]
    fn a_text_tells_what_it_reads_from_the_environment() {
        let text = "base: \"{{env.BASE}}/x\"\nheaders: { X: \"{{ env.TOKEN | upper }}{{env.BASE}}\" }\nenv.";
        assert_eq!(names_in(text), BTreeSet::from(["BASE", "TOKEN"]));
    }

    #[test]
    fn other_lines_are_told() {
        let mistakes = parse_env(Path::new(".env"), "A=1\nB\n C D=1\n").unwrap_err();
        assert_eq!(
            mistakes.to_string(),
            ".env:2:1: a line must be NAME=value\n.env:3:1: a line must be NAME=value"
        );
    }
}
