use detente_core::json::Draft;
use detente_core::merge::{Obstacle, Reason, Side};
use detente_service::Clash;

/// Keys longer than this are not quoted, in bytes.
const MAX_KEY: usize = 256;

/// Why a strategy cannot join the values of a place, as data.
pub(super) fn row(obstacle: &Obstacle) -> Draft {
    let row = Draft::default().with("side", side(obstacle.side));
    match &obstacle.reason {
        Reason::WrongType { expected } => {
            row.with("reason", "wrong-type").with("expected", *expected)
        }
        Reason::NoKey { index, key } => row
            .with("reason", "missing-key")
            .with("key", key.to_string())
            .with("index", *index as u64),
        Reason::RepeatedKey { key, value } => {
            let mut row = row
                .with("reason", "repeated-key")
                .with("key", key.to_string());
            if let Some(value) = value.as_ref().filter(|it| it.to_text().len() <= MAX_KEY) {
                row.add("value", value);
            }
            row
        }
        Reason::TooLong => row.with("reason", "too-long"),
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Base => "base",
        Side::Ours => "yours",
        Side::Theirs => "current",
        Side::Joined => "merged",
    }
}

/// The same, as a sentence.
pub(super) fn sentence(clash: &Clash, obstacle: &Obstacle) -> String {
    let place = match clash.path.to_string() {
        root if root.is_empty() => "the document".to_owned(),
        place => place,
    };
    let whose = match obstacle.side {
        Side::Base => "the base",
        Side::Ours => "your version",
        Side::Theirs => "the current version",
        Side::Joined => "the sum",
    };
    let why = match &obstacle.reason {
        Reason::WrongType { expected } => {
            format!("in {whose} it is not {}", with_article(expected))
        }
        Reason::NoKey { index, key } => format!("in {whose}, element {index} has no {key}"),
        Reason::RepeatedKey { key, value } => {
            let value = value.as_ref().map(ToString::to_string);
            let value = value.filter(|it| it.len() <= MAX_KEY);
            let value = value.map_or_else(String::new, |it| format!(", {it}"));
            format!("in {whose}, two elements have the same {key}{value}")
        }
        Reason::TooLong => format!("{whose} has too many digits"),
    };
    format!(
        "The strategy {} cannot merge {place}: {why}.",
        clash.strategy
    )
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'R']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}
