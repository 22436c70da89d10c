/// What a collection is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// `Product`: the type of its documents, and what the names of its other types begin with.
    pub(crate) type_name: String,
    /// `product`: the field for one document.
    pub(crate) one: String,
    /// `products`: the field for a list of them.
    pub(crate) many: String,
}

impl Names {
    /// Of a collection; `given` is the name of its type where somebody chose it.
    pub(crate) fn of(collection: &str, given: Option<&str>) -> Self {
        let words = words(collection);
        let type_name = match given {
            Some(given) => given.to_owned(),
            None => {
                let mut words = words.clone();
                if let Some(last) = words.last_mut() {
                    *last = singular(last);
                }
                pascal(&words)
            }
        };
        let one = camel(&type_name);
        let many = camel(&pascal(&words));
        let many = if many == one {
            format!("{one}List")
        } else {
            many
        };
        Self {
            type_name,
            one,
            many,
        }
    }
}

/// Whether GraphQL takes it as a name of ours (October 2021, section 2.1.9; two underscores begin those of
/// introspection).
pub(crate) fn is_name(text: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(is_start)
        && bytes.all(|byte| is_start(byte) || byte.is_ascii_digit())
        && !text.starts_with("__")
}

/// The beginning of each word in capitals.
pub(crate) fn pascal_of(text: &str) -> String {
    pascal(&words(text))
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn pascal(words: &[String]) -> String {
    let mut name = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    match name.as_bytes().first() {
        Some(first) if !first.is_ascii_digit() => name,
        _ => format!("_{name}"),
    }
}

fn camel(pascal: &str) -> String {
    let (first, rest) = pascal.split_at(1);
    first.to_ascii_lowercase() + rest
}

/// One of what an English plural has several of, where a plain rule tells. Where it does not, whoever
/// configures the collection names the type.
fn singular(word: &str) -> String {
    const IRREGULAR: [(&str, &str); 2] = [("people", "person"), ("children", "child")];
    let lower = word.to_ascii_lowercase();
    if let Some((plural, one)) = IRREGULAR.iter().find(|(plural, _)| lower.ends_with(plural)) {
        return word[..word.len() - plural.len()].to_owned() + one;
    }
    let without = |suffix: &str| word[..word.len() - suffix.len()].to_owned();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|it| lower.ends_with(it));
    if ends(&["ss", "us", "is"]) || lower.len() < 3 {
        word.to_owned()
    } else if ends(&["ies"]) {
        without("ies") + "y"
    } else if ends(&["sses", "xes", "ches", "shes", "zes"]) {
        without("es")
    } else if ends(&["s"]) {
        without("s")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_have_types_and_fields() {
        let cases = [
            ("products", "Product", "product", "products"),
            ("cart-items", "CartItem", "cartItem", "cartItems"),
            ("order_lines", "OrderLine", "orderLine", "orderLines"),
            ("categories", "Category", "category", "categories"),
            ("addresses", "Address", "address", "addresses"),
            ("boxes", "Box", "box", "boxes"),
            ("houses", "House", "house", "houses"),
            ("people", "Person", "person", "people"),
            ("status", "Status", "status", "statusList"),
            ("inventory", "Inventory", "inventory", "inventoryList"),
            ("2024-orders", "_2024Order", "_2024Order", "_2024Orders"),
            ("ids", "Id", "id", "ids"),
            ("a", "A", "a", "aList"),
        ];
        for (collection, type_name, one, many) in cases {
            let names = Names::of(collection, None);
            let found = (&*names.type_name, &*names.one, &*names.many);
            assert_eq!(found, (type_name, one, many), "{collection}");
        }
        let given = Names::of("staff", Some("Employee"));
        assert_eq!((&*given.one, &*given.many), ("employee", "staff"));
    }

    #[test]
    fn names_are_those_of_the_specification() {
        for name in ["a", "_a", "A1", "a_b"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "1a", "a-b", "__a", "ä", "a b", "$ref"] {
            assert!(!is_name(other), "{other}");
        }
    }
}
