//! Generated documents: base, ours, theirs, and what they come to.

use anyhow::Result;
use detente_core::merge::{Strategies, Strategy};

use crate::driver::Random;

/// Of so many entries each side edits one.
const SPACING: usize = 128;
/// How many entries after ours theirs are, where the sides edit different ones.
const DISTANCE: usize = 6;

/// What both sides edit. An entry is a line, and no line is there twice, except in records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// JSON, different members.
    Members,
    /// JSON, members of different records: objects of several lines, some of which are the same in each.
    Records,
    /// JSON, the same numbers: both count.
    Counters,
    /// JSON, the same arrays: both add an element.
    Sets,
    /// JSON, the same arrays of objects: each edits another element and adds one.
    KeyedLists,
    /// A text, different lines.
    Text,
}

/// Three documents, and the one with the edits of both sides; JSON with a member to a line, so that tools that merge
/// lines can work on it.
pub(crate) struct Sides {
    pub kind: Kind,
    pub base: String,
    pub ours: String,
    pub theirs: String,
    pub merged: String,
}

/// Whose edits an entry is written with.
#[derive(Clone, Copy)]
struct Edits {
    ours: bool,
    theirs: bool,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] = [
        Kind::Members,
        Kind::Records,
        Kind::Counters,
        Kind::Sets,
        Kind::KeyedLists,
        Kind::Text,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Members => "json, members",
            Kind::Records => "json, records",
            Kind::Counters => "json, counters",
            Kind::Sets => "json, sets",
            Kind::KeyedLists => "json, keyed lists",
            Kind::Text => "text",
        }
    }

    /// What Detente has to be told to join both sides' edits.
    ///
    /// # Errors
    ///
    /// When a place written here is no pointer.
    pub(super) fn strategies(self) -> Result<Strategies> {
        let key = "/id".parse()?;
        let (place, strategy) = match self {
            Kind::Members | Kind::Records => return Ok(Strategies::default()),
            Kind::Counters => ("/*", Strategy::Counter),
            Kind::Sets => ("/*", Strategy::Set),
            Kind::KeyedLists => ("/*", Strategy::KeyedList { key }),
            Kind::Text => ("", Strategy::Text),
        };
        let mut strategies = Strategies::default();
        strategies.set(&place.parse()?, strategy);
        Ok(strategies)
    }

    /// The edits of both sides together in an entry.
    fn edits(self, entry: usize) -> Edits {
        let (spacing, distance) = match self {
            Kind::Members | Kind::Text => (SPACING, DISTANCE),
            // A record is longer.
            Kind::Records => (SPACING / 8, DISTANCE / 3),
            Kind::Counters | Kind::Sets | Kind::KeyedLists => (SPACING, 0),
        };
        Edits {
            ours: entry.is_multiple_of(spacing),
            theirs: entry % spacing == distance,
        }
    }

    fn document(self, entries: usize, edits: impl Fn(Edits) -> Edits) -> String {
        let texts = (0..entries).map(|entry| self.entry(entry, edits(self.edits(entry))));
        match self {
            Kind::Text => texts.collect(),
            _ => format!("{{\n{}\n}}\n", texts.collect::<Vec<_>>().join(",\n")),
        }
    }

    fn entry(self, entry: usize, edits: Edits) -> String {
        let (ours, theirs) = (usize::from(edits.ours), usize::from(edits.theirs));
        let text = words(entry, 9, ours + 2 * theirs);
        match self {
            Kind::Text => text + "\n",
            Kind::Members => format!("  \"member-{entry:06}\": \"{text}\""),
            Kind::Records => record(entry, &text),
            Kind::Counters => {
                format!(
                    "  \"counter-{entry:06}\": {}",
                    1000 + entry + ours + 2 * theirs
                )
            }
            Kind::Sets => {
                let mut tags: Vec<_> = (0..4).map(|n| format!("\"tag-{n}\"")).collect();
                tags.extend(edits.ours.then(|| "\"tag-ours\"".to_owned()));
                tags.extend(edits.theirs.then(|| "\"tag-theirs\"".to_owned()));
                format!("  \"set-{entry:06}\": [{}]", tags.join(", "))
            }
            Kind::KeyedLists => {
                let quantities = [10 + ours, 20, 30 + theirs, 40];
                let mut items: Vec<_> = (1..).zip(quantities).map(item).collect();
                items.extend(edits.ours.then(|| item((101, 5))));
                items.extend(edits.theirs.then(|| item((102, 6))));
                format!("  \"list-{entry:06}\": [{}]", items.join(", "))
            }
        }
    }
}

impl Sides {
    /// Documents of about `bytes`, alike in every run.
    pub(crate) fn generate(kind: Kind, bytes: usize) -> Sides {
        let nobody = |_| Edits {
            ours: false,
            theirs: false,
        };
        let (mut entries, mut length) = (0, 0);
        // With fewer, one side would have no place to edit.
        while length < bytes || entries <= DISTANCE {
            length += kind.entry(entries, nobody(kind.edits(entries))).len();
            entries += 1;
        }
        Sides {
            kind,
            base: kind.document(entries, nobody),
            ours: kind.document(entries, |both| Edits {
                theirs: false,
                ..both
            }),
            theirs: kind.document(entries, |both| Edits {
                ours: false,
                ..both
            }),
            merged: kind.document(entries, |both| both),
        }
    }
}

/// An object as people and programs write it; a closing brace and a flag look the same in each.
fn record(number: usize, note: &str) -> String {
    let title = words(number, 4, 3);
    format!(
        "  \"record-{number:06}\": {{\n    \"title\": \"{title}\",\n    \"count\": {number},\n    \"done\": false,\n    \
         \"note\": \"{note}\"\n  }}"
    )
}

/// An element of a keyed list.
fn item((id, quantity): (usize, usize)) -> String {
    format!(r#"{{"id": {id}, "quantity": {quantity}}}"#)
}

/// Words that another edit writes differently, and another entry too.
fn words(entry: usize, count: usize, edit: usize) -> String {
    const WORDS: [&str; 24] = [
        "harbour", "ledger", "winter", "copper", "signal", "orchard", "paper", "river", "lantern",
        "meadow", "anchor", "market", "violet", "engine", "garden", "letter", "summit", "timber",
        "velvet", "window", "yellow", "basket", "candle", "door",
    ];
    let mut random = Random::new((entry as u64) << 2 | edit as u64);
    let words: Vec<_> = (0..count)
        .map(|_| WORDS[random.below(WORDS.len())])
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn changed(from: &str, to: &str) -> Vec<usize> {
        let (from, to): (Vec<_>, Vec<_>) = (from.lines().collect(), to.lines().collect());
        assert_eq!(from.len(), to.len());
        (0..from.len()).filter(|&at| from[at] != to[at]).collect()
    }

    #[test]
    fn documents_are_of_about_the_size_that_was_asked_for() {
        for kind in Kind::ALL {
            for bytes in [1 << 10, 100 << 10] {
                let length = Sides::generate(kind, bytes).base.len();
                assert!((bytes..bytes * 2).contains(&length), "{kind:?}: {length}");
            }
        }
    }

    #[test]
    fn where_lines_are_to_be_merged_both_sides_edit_lines_far_apart() {
        for kind in [Kind::Members, Kind::Records, Kind::Text] {
            for bytes in [1 << 10, 100 << 10] {
                let sides = Sides::generate(kind, bytes);
                let ours = changed(&sides.base, &sides.ours);
                let theirs = changed(&sides.base, &sides.theirs);
                let mut both = [ours.clone(), theirs.clone()].concat();
                both.sort_unstable();
                assert!(!ours.is_empty() && !theirs.is_empty(), "{kind:?}");
                assert!(both.windows(2).all(|at| at[1] - at[0] > 5), "{both:?}");
                assert_eq!(changed(&sides.base, &sides.merged), both);
            }
        }
    }

    #[test]
    fn no_line_is_there_twice_but_in_records() {
        for kind in Kind::ALL {
            let text = Sides::generate(kind, 100 << 10).base;
            let lines: HashSet<_> = text.lines().collect();
            let is_unique = lines.len() == text.lines().count();
            assert_eq!(is_unique, kind != Kind::Records, "{kind:?}");
        }
    }

    #[test]
    fn a_document_does_not_change_from_run_to_run() {
        let twice = [(); 2].map(|()| Sides::generate(Kind::Sets, 5000).merged);
        assert_eq!(twice[0], twice[1]);
    }
}
