use detente_core::json::Pointer;
use detente_core::merge::{Strategies, Strategy};

use super::collection::pointer;
use super::section::{Placed, Section};

/// The strategies that need nothing but their name.
const PLAIN: [(&str, Strategy); 11] = [
    ("manual", Strategy::Manual),
    ("atomic", Strategy::Atomic),
    ("last-writer", Strategy::LastWriter),
    ("first-writer", Strategy::FirstWriter),
    ("text", Strategy::Text),
    ("set", Strategy::Set),
    ("counter", Strategy::Counter),
    ("max", Strategy::Max),
    ("min", Strategy::Min),
    ("append", Strategy::Append),
    ("derived", Strategy::Derived),
];

/// The table `merge` of a collection: places, and how two edits of each are merged.
pub(super) fn read(section: &Section<'_>) -> Strategies {
    let mut strategies = Strategies::default();
    let Some(table) = section.section("merge") else {
        return strategies;
    };
    for (name, value) in table.entries() {
        let place = pointer(&table, &name);
        let strategy = match value.get_ref().as_str() {
            Some(word) => plain(&table, word, value.span()),
            None => detailed(&table, &name, value),
        };
        if let (Some(place), Some(strategy)) = (place, strategy) {
            strategies.set(&place, strategy);
        }
    }
    strategies
}

fn plain(table: &Section<'_>, word: &str, span: std::ops::Range<usize>) -> Option<Strategy> {
    let found = PLAIN.iter().find(|(name, _)| *name == word);
    if let Some((_, strategy)) = found {
        return Some(strategy.clone());
    }
    let message = match word {
        "keyed-list" => "keyed-list needs the key of its elements: \
                         { strategy = \"keyed-list\", key = \"/id\" }"
            .to_owned(),
        "group" => "group needs the other places: \
                    { strategy = \"group\", with = [\"/currency\"] }"
            .to_owned(),
        _ => format!("unknown strategy {word:?}{}", close_to(word)),
    };
    table.mistake(span, message);
    None
}

fn close_to(word: &str) -> String {
    let names = PLAIN.iter().map(|(name, _)| *name);
    let names = names.chain(["keyed-list", "group"]);
    let close = names.min_by_key(|name| strsim::osa_distance(name, word));
    match close.filter(|name| strsim::osa_distance(name, word) <= 3) {
        Some(name) => format!("; did you mean {name:?}?"),
        None => format!(
            "; use {}, keyed-list or group",
            PLAIN.map(|(name, _)| name).join(", ")
        ),
    }
}

fn detailed(
    table: &Section<'_>,
    name: &Placed<String>,
    value: &toml::Spanned<toml::de::DeValue<'_>>,
) -> Option<Strategy> {
    let Some(members) = value.get_ref().as_table() else {
        let message = "a strategy must be a name, or a table such as \
                       { strategy = \"keyed-list\", key = \"/id\" }";
        table.mistake(value.span(), message);
        return None;
    };
    let path = format!("{}.{:?}", table.name(), name.value);
    let section = Section::new(table.source, path, value.span(), members);
    let word = section.needed_text("strategy")?;
    let strategy = match word.value.as_str() {
        "keyed-list" => {
            let key = section.needed_text("key");
            let key = key.and_then(|key| pointer(&section, &key));
            key.map(|key| Strategy::KeyedList { key })
        }
        "group" => {
            if section.get("with").is_none() {
                section.lacks("with");
            }
            let with = section.texts("with");
            let own = name.value.parse::<Pointer>().ok();
            with.map(|with| {
                let others = with.value.iter().filter_map(|it| pointer(&section, it));
                Strategy::Group(own.into_iter().chain(others).collect())
            })
        }
        other => plain(&section, other, word.span),
    };
    section.finish();
    strategy
}
