mod page; // a text as lines, and how they end
mod region; // where two edits of one sequence lie
mod word; // a text as words

use std::collections::HashMap;

use super::Collision;
use crate::json::Value;
use page::{Ending, Page};
use region::{Region, Source, regions};

/// Regions of more bytes than this are not merged by words, to bound the time that one takes.
const MAX_WORD_BYTES: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) text: String,
    /// Both sides changed the same lines, in different words.
    pub(super) review: bool,
}

/// Line by line, and word by word where both sides changed the same lines.
///
/// The ends of lines, and whether the last line has one, are merged apart from the lines: who
/// converts a whole text does not edit each line of it.
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

fn merge(texts: [&str; 3]) -> Option<Merged> {
    let pages = texts.map(Page::of);
    let [base, ours, theirs] = &pages;
    let ending = page::joined_ending(base.ending, ours.ending, theirs.ending)?;
    let is_terminated = page::joined_termination(&pages);
    if ending == Ending::Mixed {
        // Lines that differ in their ends only are different lines here, and words stay in theirs.
        let lines = texts.map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
        let joined = join_lines(&lines, |_| None)?;
        return Some(Merged {
            text: joined.lines.concat(),
            review: false,
        });
    }
    let lines = pages.map(|page| page.lines);
    let joined = join_lines(&lines, join_words)?;
    Some(Merged {
        text: ending.write(&joined.lines, is_terminated),
        review: joined.review,
    })
}

struct JoinedLines {
    lines: Vec<String>,
    review: bool,
}

/// `settle` is asked about the lines of a region that both sides changed, differently.
fn join_lines(
    lines: &[Vec<&str>; 3],
    settle: impl Fn([&[&str]; 3]) -> Option<Vec<String>>,
) -> Option<JoinedLines> {
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
        let owned = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        let region: Vec<String> = match source {
            Source::Ours => owned(ours),
            Source::Theirs => owned(theirs),
            Source::Conflict => {
                joined.review = true;
                settle([base, ours, theirs])?
            }
        };
        joined.lines.extend(region);
    }
    let is_kept = !repeats(lines, joined.lines.iter().map(String::as_str));
    is_kept.then_some(joined)
}

/// The lines of a region, joined by words; `None` if both sides changed the same words.
fn join_words(lines: [&[&str]; 3]) -> Option<Vec<String>> {
    if lines
        .iter()
        .copied()
        .flatten()
        .map(|line| line.len())
        .sum::<usize>()
        > MAX_WORD_BYTES
    {
        return None;
    }
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
    if repeats(&words, joined.iter().copied()) || !word::stay_apart(&joined) {
        return None;
    }
    let text = joined.concat();
    let page = Page::of(&text);
    let is_whole = page.is_terminated.unwrap_or(true);
    is_whole.then(|| page.lines.into_iter().map(str::to_owned).collect())
}

/// Whether the join has a piece more often than any side, or both sides' edits, account for. It
/// happens where both moved it: each took it away once, and each put it somewhere else.
fn repeats<'t>(sides: &[Vec<&'t str>; 3], joined: impl Iterator<Item = &'t str>) -> bool {
    let mut counts: HashMap<&str, [usize; 4]> = HashMap::new();
    let sides = sides.iter().map(|side| side.iter().copied());
    let [base, ours, theirs] = [0, 1, 2];
    for (side, pieces) in sides.enumerate() {
        for piece in pieces {
            counts.entry(piece).or_default()[side] += 1;
        }
    }
    for piece in joined {
        // What no side has is made of words of both, and repeats nothing.
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
