use detente_core::json::Pointer;
use detente_core::merge::{Strategies, Strategy};

use super::capture::{Capture, captures};
use super::section::{Section, whole};
use super::template::Template;

/// What is done when a request is refused: read again, apply the edit again, send again.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub(super) times: u32,
    /// Statuses.
    pub(super) on: Vec<u16>,
    pub(super) edit: Edit,
    /// What is read again; `None` is the URL of the request.
    pub(super) read: Option<Template>,
    /// Taken from what was read.
    pub(super) capture: Vec<Capture>,
}

/// How an edit is applied to a newer document.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// What the writer changed, as a merge patch.
    Patch,
    /// The request is filled in once more, with what was read.
    Rewrite,
    /// Base, ours and theirs; `prefer` decides where they collide, and without it that is the end.
    Merge {
        prefer: Option<Side>,
        strategies: Strategies,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
}

impl Retry {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let source = section.source;
        let mut on = Vec::new();
        for node in section.list("on") {
            match whole(node).and_then(|it| u16::try_from(it).ok()) {
                Some(status) if (100..600).contains(&status) => on.push(status),
                _ => section.wrong("on", node, "a list of statuses"),
            }
        }
        if on.is_empty() {
            on = vec![409, 412];
        }
        let capture = captures(section);
        let read = section.text("read");
        let retry = Self {
            times: section.number("times", 1).unwrap_or(5),
            on,
            edit: Edit::read(section, !capture.is_empty()),
            read: read.map(|(text, position)| Template::read(source, text, position)),
            capture,
        };
        section.finish();
        retry
    }
}

impl Edit {
    /// A retry that captures something wants the request filled in again, unless it says otherwise.
    fn read(section: &Section<'_>, captures: bool) -> Self {
        let strategies = strategies(section);
        let merge = |prefer| Self::Merge {
            prefer,
            strategies: strategies.clone(),
        };
        let words = [
            ("patch", 0),
            ("rewrite", 1),
            ("three-way", 2),
            ("ours", 3),
            ("theirs", 4),
        ];
        match section.word("merge", &words) {
            Some(0) => Self::Patch,
            Some(2) => merge(None),
            Some(3) => merge(Some(Side::Ours)),
            Some(4) => merge(Some(Side::Theirs)),
            Some(_) => Self::Rewrite,
            None if captures => Self::Rewrite,
            None => Self::Patch,
        }
    }
}

fn strategies(section: &Section<'_>) -> Strategies {
    let mut strategies = Strategies::default();
    let Some(section) = section.section("strategies") else {
        return strategies;
    };
    let words = [
        Strategy::Set,
        Strategy::Append,
        Strategy::Counter,
        Strategy::Max,
        Strategy::Min,
        Strategy::Text,
        Strategy::Atomic,
    ];
    for (name, position, node) in section.members() {
        let pointer = name.parse::<Pointer>();
        if let Err(error) = &pointer {
            section.mistake(position, format!("{name}: {error}"));
        }
        let found = words.iter().find(|it| node.as_text() == Some(it.name()));
        if found.is_none() {
            let names = words.each_ref().map(Strategy::name);
            section.wrong(&name, node, names.join(", ").as_str());
        }
        if let (Ok(pointer), Some(strategy)) = (pointer, found) {
            strategies.set(&pointer, strategy.clone());
        }
    }
    strategies
}
