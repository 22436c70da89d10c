use detente_core::is_label;
use detente_service::{Names, Right, Rights};

use super::section::{Placed, Section};

/// The `rights` and `spaces` of a section; without them all that is usual, everywhere.
pub(super) fn rights(section: &Section<'_>) -> Rights {
    let spaces = match section.texts("spaces") {
        None => Names::All,
        Some(names) => Names::Only(
            names
                .value
                .into_iter()
                .filter_map(space_in(section))
                .collect(),
        ),
    };
    let Some(words) = section.texts("rights") else {
        return Rights::usual(spaces);
    };
    let right = |word: Placed<String>| {
        let right = word.value.parse::<Right>();
        if let Err(error) = &right {
            section.mistake(word.span, error.to_string());
        }
        right.ok()
    };
    Rights::of(words.value.into_iter().filter_map(right), spaces)
}

fn space_in(section: &Section<'_>) -> impl Fn(Placed<String>) -> Option<Box<str>> {
    |name| {
        let is_space = is_label(&name.value);
        if !is_space {
            let message = format!("{:?} is not a space name", name.value);
            section.mistake(name.span, message);
        }
        is_space.then(|| name.value.into())
    }
}
