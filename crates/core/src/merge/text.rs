mod distance; // how far apart two sequences are
mod page; // a text as lines, and how they end
mod region; // where two edits of one sequence lie
mod word; // a text as words

use std::borrow::Cow;
use std::collections::HashMap;

use super::Collision;
use crate::json::Value;
use page::{Ending, Page};
use region::{Region, Source, regions};

/// Texts are merged by words only up to this many bytes, counted over the regions and sides of one
/// text: that takes much longer than merging lines.
const MAX_WORD_BYTES: usize = 128 * 1024;

pub(super) struct Merged {
    pub(super) text: String,
    /// Both sides changed the same lines, in different words.
    pub(super) review: bool,
}

/// Joins line by line, and word by word if both sides changed the same lines.
///
/// Line ends, and whether the last line has one, are merged separately: converting the line ends of
/// a text is not an edit of each line.
pub(super) fn join(
    base: Option<&Value>,
    ours: &Value,
    theirs: &Value,
) -> Result<Merged, Collision> {
    match (base, ours, theirs) {
        (Some(Value::String(base)), Value::String(ours), Value::String(theirs)) => {
            merge([base, ours, theirs]).ok_or(Collision::Text)
        }
        _ => Err(Collision::of(base, Some(ours), Some(theirs))),
    }
}

/// The texts are base, ours and theirs.
pub(super) fn merge(texts: [&str; 3]) -> Option<Merged> {
    // If one side emptied the text, there is nothing left that the other side's edit applies to.
    if texts[1..].contains(&"") {
        return None;
    }
    let pages = texts.map(Page::of);
    let [base, ours, theirs] = &pages;
    let ending = page::joined_ending(base.ending, ours.ending, theirs.ending)?;
    let is_terminated = page::joined_termination(&pages);
    // A carriage return at the very end would make a line end with a line feed of the other side.
    let is_half_ended = texts.iter().any(|text| text.ends_with('\r'));
    if ending == Ending::Mixed || is_half_ended {
        // Lines that differ only in their ends are different lines here, and words stay in their
        // line.
        let lines = texts.map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
        let joined = join_lines(&lines, |_| None)?;
        return Some(Merged {
            text: joined.lines.concat(),
            review: false,
        });
    }
    let lines = pages.map(|page| page.lines);
    let mut bytes_left = MAX_WORD_BYTES;
    let joined = join_lines(&lines, |region| {
        let bytes = region.iter().flat_map(|lines| lines.iter());
        let bytes: usize = bytes.map(|line| line.len() + 1).sum();
        bytes_left = bytes_left.checked_sub(bytes)?;
        join_words(region)
    })?;
    // Ours added an empty line at the end and theirs removed the end of the last one, or vice
    // versa.
    if !is_terminated && joined.lines.last().is_some_and(|line| line.is_empty()) {
        return None;
    }
    Some(Merged {
        text: ending.write(&joined.lines, is_terminated),
        review: joined.review,
    })
}

struct JoinedLines<'t> {
    lines: Vec<Cow<'t, str>>,
    review: bool,
}

/// Calls `settle` for the lines of each region that both sides changed in different ways.
fn join_lines<'t>(
    lines: &[Vec<&'t str>; 3],
    mut settle: impl FnMut([&[&str]; 3]) -> Option<Vec<String>>,
) -> Option<JoinedLines<'t>> {
    let [base, ours, theirs] = lines;
    let mut joined = JoinedLines {
        lines: Vec::with_capacity(ours.len().max(theirs.len())),
        review: false,
    };
    for Region { source, ranges } in regions([base, ours, theirs])? {
        let [base, ours, theirs] = [
            &base[ranges[0].clone()],
            &ours[ranges[1].clone()],
            &theirs[ranges[2].clone()],
        ];
        let borrowed = |line: &&'t str| Cow::Borrowed(*line);
        match source {
            Source::Ours => joined.lines.extend(ours.iter().map(borrowed)),
            Source::Theirs => joined.lines.extend(theirs.iter().map(borrowed)),
            Source::Conflict => {
                let settled = settle([base, ours, theirs])?;
                joined.lines.extend(settled.into_iter().map(Cow::Owned));
                joined.review = true;
            }
        }
    }
    let is_kept = !repeats(lines, joined.lines.iter().map(|line| &**line));
    is_kept.then_some(joined)
}

/// Joins the lines of a region by words; `None` if both sides changed the same words.
fn join_words(lines: [&[&str]; 3]) -> Option<Vec<String>> {
    let texts = lines.map(|lines| Ending::LineFeed.write(lines, true));
    let words = texts.each_ref().map(|text| word::split(text));
    let mut joined = Vec::new();
    for Region { source, ranges } in regions(words.each_ref().map(Vec::as_slice))? {
        match source {
            Source::Ours => joined.extend(&words[1][ranges[1].clone()]),
            Source::Theirs => joined.extend(&words[2][ranges[2].clone()]),
            Source::Conflict => return None,
        }
    }
    if repeats(&words, joined.iter().copied()) {
        return None;
    }
    let text = joined.concat();
    let page = Page::of(&text);
    let is_whole = page.is_terminated.unwrap_or(true);
    is_whole.then(|| page.lines.into_iter().map(str::to_owned).collect())
}

/// Whether the join has a piece more often than any side or the two edits together explain. This
/// happens if both moved it: each removed it once, and inserted it somewhere else.
fn repeats<'j>(sides: &[Vec<&str>; 3], joined: impl Iterator<Item = &'j str>) -> bool {
    let mut counts: HashMap<&str, [usize; 4]> = HashMap::new();
    let sides = sides.iter().map(|side| side.iter().copied());
    let [base, ours, theirs] = [0, 1, 2];
    for (side, pieces) in sides.enumerate() {
        for piece in pieces {
            counts.entry(piece).or_default()[side] += 1;
        }
    }
    for piece in joined {
        // A piece that no side has is made of words of both, and repeats nothing.
        if let Some(count) = counts.get_mut(piece) {
            count[3] += 1;
        }
    }
    counts.into_values().any(|count| {
        let by_edits = (count[ours] + count[theirs]).saturating_sub(count[base]);
        count[3]
            > count[base]
                .max(count[ours])
                .max(count[theirs])
                .max(by_edits)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use similar::DiffableStr;

    use super::*;

    #[test]
    fn lines_then_words_are_joined() {
        let cases = [
            // (base, ours, theirs, joined): `?` for one to review, `text` for a conflict
            ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
            ("a\nb\nc\n", "a\nb\n", "A\nb\nc\n", "A\nb\n"),
            ("a\n", "a\nb\n", "x\na\n", "x\na\nb\n"),
            ("a\nb\n", "A\nb\n", "a\nB\n", "? A\nB\n"),
            ("a\n", "a\nb\n", "a\nc\n", "text"),
            (
                "the red fox",
                "the blue fox",
                "the red dog",
                "? the blue dog",
            ),
            ("the red fox", "the blue fox", "the green fox", "text"),
            ("the red fox", "", "the red dog", "text"),
            // A carriage return of ours and a line feed of theirs make no line end together.
            ("a", "ab\r", "a\n", "text"),
            ("a", "ab\r", "a\nc", "text"),
            ("a\nb", "a\nb\r", "A\nb", "text"),
            ("a\nb\nc", "a\nb\nc\r", "A\nb\nc", "A\nb\nc\r"),
            ("", "a", "b", "text"),
            ("a\nb\nc\nd\n", "", "a\nb\nc\nD\n", "text"),
            // Both moved `m`, each to another place; then only one of them.
            (
                "m\n1\n2\n3\n4\n",
                "1\n2\nm\n3\n4\n",
                "1\n2\n3\n4\nm\n",
                "text",
            ),
            (
                "m\n1\n2\n3\n4\n",
                "1\n2\nm\n3\n4\n",
                "m\n1\n2\n3\n4!\n",
                "1\n2\nm\n3\n4!\n",
            ),
            // Both add a line like one that is there.
            (
                "x\n1\n2\n3\n",
                "x\nx\n1\n2\n3\n",
                "x\n1\n2\n3\nx\n",
                "x\nx\n1\n2\n3\nx\n",
            ),
            // Conflict markers are ordinary text.
            (
                "<<<<<<<\na\n>>>>>>>\nb\n",
                "<<<<<<<\na\n>>>>>>>\nB\n",
                "<<<<<<< x\na\n>>>>>>>\nb\n",
                "<<<<<<< x\na\n>>>>>>>\nB\n",
            ),
            // Emoji, accents, and two ways to write one.
            (
                "x 👩\u{200d}👧 y",
                "z 👩\u{200d}👧 y",
                "x 👩\u{200d}👦 y",
                "? z 👩\u{200d}👦 y",
            ),
            ("x 👩\u{200d}👧", "x 👩\u{200d}👦", "x 👨\u{200d}👧", "text"),
            (
                "x e y",
                "z e\u{301} y",
                "x e y\u{301}",
                "? z e\u{301} y\u{301}",
            ),
            (
                "caf\u{e9} a",
                "caf\u{e9} b",
                "cafe\u{301} a",
                "? cafe\u{301} b",
            ),
            ("x 🇩🇪 y", "x 🇩🇪🇫🇷 y", "x 🇮🇹 y", "text"),
        ];
        for (base, ours, theirs, expected) in cases {
            for (ours, theirs) in [(ours, theirs), (theirs, ours)] {
                assert_eq!(
                    joined(base, ours, theirs),
                    expected,
                    "{base:?} {ours:?} {theirs:?}"
                );
            }
        }
    }

    #[test]
    fn the_ends_of_lines_are_joined_apart_from_the_lines() {
        let cases = [
            // One side converts the text, the other edits it.
            (
                "a\nb\nc\n",
                "a\r\nb\r\nc\r\n",
                "a\nb\nC\n",
                "a\r\nb\r\nC\r\n",
            ),
            ("a\r\nb\r\n", "a\nb\n", "a\r\nB\r\nc\r\n", "a\nB\nc\n"),
            ("a\r\nb\nc\n", "a\nb\nc\n", "a\r\nb\nC\n", "a\nb\nC\n"),
            // Both convert it.
            (
                "a\nb\nc\n",
                "A\r\nb\r\nc\r\n",
                "a\r\nb\r\nC\r\n",
                "A\r\nb\r\nC\r\n",
            ),
            // One side converts a part: those lines count as changed.
            ("a\nb\nc\n", "a\r\nb\nc\n", "a\nb\nC\n", "a\r\nb\nC\n"),
            ("a\nb\nc\n", "a\r\nb\nc\n", "A\nb\nc\n", "text"),
            ("a\nb\nc\n", "a\r\nb\nc\n", "a\r\nb\r\nC\r\n", "text"),
            // The end of the last line.
            ("a\nb\nc", "a\nb\nc\n", "A\nb\nc", "A\nb\nc\n"),
            ("a\nb\nc\n", "a\nb\nc", "a\nb\nc\nd\n", "a\nb\nc\nd"),
            ("a\nb\nc", "a\nb\nc\nd", "A\nb\nc", "A\nb\nc\nd"),
            ("a\nb\n", "a\nb", "a\nb\n\n", "text"),
            ("a\nb\n", "", "a\nb", "text"),
        ];
        for (base, ours, theirs, expected) in cases {
            for (ours, theirs) in [(ours, theirs), (theirs, ours)] {
                assert_eq!(
                    joined(base, ours, theirs),
                    expected,
                    "{base:?} {ours:?} {theirs:?}"
                );
            }
        }
    }

    fn joined(base: &str, ours: &str, theirs: &str) -> String {
        let [base, ours, theirs] = [base, ours, theirs].map(Value::from);
        match join(Some(&base), &ours, &theirs) {
            Ok(merged) if merged.review => format!("? {}", merged.text),
            Ok(merged) => merged.text,
            Err(collision) => collision.name().to_owned(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Between changed words of the two sides there is always an unchanged one, so what a
        /// reader sees as one character stays as one of the sides has it.
        #[test]
        fn no_character_is_put_together(
            pieces in prop::collection::vec(piece(), 3..9),
            edits in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), piece()), 2..5),
        ) {
            let mut sides = [pieces.clone(), pieces.clone()];
            for (side, at, piece) in edits {
                let side = &mut sides[usize::from(side)];
                let at = at.index(side.len());
                side[at] = piece;
            }
            let [ours, theirs] = sides.map(|side| side.concat());
            let base = pieces.concat();
            let all = [base.as_str(), &ours, &theirs];
            if let Some(merged) = merge(all) {
                let known: Vec<_> = all.iter().flat_map(|it| it.tokenize_graphemes()).collect();
                for character in merged.text.tokenize_graphemes() {
                    prop_assert!(known.contains(&character), "{character:?} in {:?}", merged.text);
                }
            }
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            " ", "a", "e", "\u{301}", "\u{200d}", "👩", "👧", "👍", "🏽", "🇩", "🇪", "🇫", "क",
            "\u{94d}", "\u{600}", "\r", "\n", "b c", "ᄀ", "ᅡ",
        ])
        .prop_map(str::to_owned)
    }

    #[test]
    fn what_is_no_text_is_in_conflict() {
        let cases = [
            (None, "a", "b", "add-add"),
            (Some("1"), "a", "b", "edit-edit"),
        ];
        for (base, ours, theirs, expected) in cases {
            let base = base.map(|_| Value::Null);
            let found = join(base.as_ref(), &ours.into(), &theirs.into());
            assert_eq!(found.err().map(Collision::name), Some(expected), "{base:?}");
        }
        let found = join(Some(&"a".into()), &Value::Null, &"b".into());
        assert_eq!(found.err(), Some(Collision::Type));
    }
}
