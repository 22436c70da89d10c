//! Names of collections as names in programs, which generators make of them.

/// Labels for collections, in the order of `names`: letters, digits and `_`, a letter first. No two
/// are equal once a generator has put them into its own case.
pub(super) fn labels<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for name in names {
        let plain = label(name);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let is_free = |label: &String| labels.iter().all(|it| fold(it) != fold(label));
        let free = std::iter::once(plain.clone()).chain(numbered).find(is_free);
        labels.push(free.unwrap_or(plain));
    }
    labels
}

/// A label as the name of a type: `line_items` becomes `LineItems`.
pub(super) fn type_name(label: &str) -> String {
    let words = label.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.map(capital).collect()
}

fn label(name: &str) -> String {
    let label = name.replace('-', "_");
    match label.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => label,
        false => format!("collection_{label}"),
    }
}

/// What is left of a label whatever case it is put into.
fn fold(label: &str) -> String {
    label.replace('_', "").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_one_get_labels_that_differ() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["users", "users-2"], &["users", "users_2"]),
            (&["line-items"], &["line_items"]),
            (
                &["MyThings", "my-things", "my_things", "mythings"],
                &["MyThings", "my_things_2", "my_things_3", "mythings_4"],
            ),
            (&["a", "A", "a_2"], &["a", "A_2", "a_2_2"]),
            (
                &["2024", "collection-2024"],
                &["collection_2024", "collection_2024_2"],
            ),
        ];
        for (names, expected) in cases {
            assert_eq!(labels(names.iter().copied()), *expected, "{names:?}");
        }
    }

    #[test]
    fn types_have_capitals() {
        let cases = [
            ("users", "Users"),
            ("line_items_2", "LineItems2"),
            ("MyThings", "MyThings"),
            ("a__b_", "AB"),
        ];
        for (label, name) in cases {
            assert_eq!(type_name(label), name);
        }
    }
}
