use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use unicase::UniCase;

use super::{Expression, Template};
use crate::json::{Pointer, Value};

/// A combination of values that only one document of a collection may have.
#[derive(Debug)]
pub struct Unique {
    pub name: String,
    /// Several fields make a compound key. A document that lacks one of them, or has null there,
    /// has no key.
    pub fields: Vec<Pointer>,
    /// Strings that differ in case alone are equal: a canonical caseless match (Unicode, D145).
    pub ignore_case: bool,
    /// Strings are equal if they are canonically equivalent (Unicode, D70): `é` as one character or
    /// as two. A caseless match has this anyway.
    pub normalize: bool,
    /// CEL: the key exists only while this holds.
    pub condition: Option<Expression>,
    /// Becomes `error` in the refusal, instead of `DuplicateEntry`.
    pub error: Option<String>,
    pub message: Option<Template>,
}

/// The key that a document has for one constraint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The position of the constraint in the collection.
    pub index: usize,
    /// The name of the constraint.
    pub constraint: String,
    /// A text that is the same exactly for equal values.
    pub value: String,
}

/// A key that another document holds already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The name of the constraint.
    pub constraint: String,
    pub error: String,
    pub fields: Vec<Pointer>,
    pub values: Vec<Value>,
    /// The id of the document that holds the key.
    pub holder: String,
    pub message: String,
}

impl Unique {
    /// The key of a document, if it has one.
    pub fn claim(&self, index: usize, document: &Value) -> Option<Claim> {
        let values = self.values(document)?;
        let is_in_force = |condition: &Expression| condition.holds(None, Some(document));
        if !self.condition.as_ref().is_none_or(is_in_force) {
            return None;
        }
        let values = Value::Array(values.into_iter().map(|it| self.fold(it)).collect());
        Some(Claim {
            index,
            constraint: self.name.clone(),
            value: values.canonical(),
        })
    }

    /// A value that is the same for all values that count as equal.
    fn fold(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fold_text(text).into_owned()),
            Value::Array(items) => Value::Array(items.iter().map(|it| self.fold(it)).collect()),
            Value::Object(members) => {
                let members = members.iter();
                let folded = members.map(|(name, value)| (name.clone(), self.fold(value)));
                Value::Object(folded.collect())
            }
            value => value.clone(),
        }
    }

    fn fold_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.ignore_case {
            let decomposed = decompose(text);
            let folded = UniCase::new(&*decomposed).to_folded_case();
            return Cow::Owned(decompose(&folded).into_owned());
        }
        match self.normalize && !text.is_ascii() {
            true => ComposingNormalizerBorrowed::new_nfc().normalize(text),
            false => Cow::Borrowed(text),
        }
    }

    fn values<'a>(&self, document: &'a Value) -> Option<Vec<&'a Value>> {
        let present = |value: &&Value| **value != Value::Null;
        let value_at = |field| document.at(field).filter(present);
        self.fields.iter().map(value_at).collect()
    }

    /// Describes that `holder` has the key of `document`.
    pub fn duplicate(&self, id: &str, document: &Value, holder: String) -> Duplicate {
        let values = self.values(document).unwrap_or_default();
        let values: Vec<Value> = values.into_iter().cloned().collect();
        Duplicate {
            constraint: self.name.clone(),
            error: self
                .error
                .clone()
                .unwrap_or_else(|| "DuplicateEntry".into()),
            message: match &self.message {
                Some(template) => template.fill(id, Some(document)),
                None => self.plain_message(&values, &holder),
            },
            fields: self.fields.clone(),
            values,
            holder,
        }
    }

    fn plain_message(&self, values: &[Value], holder: &str) -> String {
        let name = |(field, value): (&Pointer, &Value)| format!("{field} = {value}");
        let key: Vec<_> = self.fields.iter().zip(values).map(name).collect();
        format!("{holder} already has {}", key.join(", "))
    }

    /// A text that changes if the meaning of stored keys of this constraint changes.
    pub fn definition(&self) -> String {
        // The first number is that of how values are folded: where that changes, so do all keys.
        let folding = if self.ignore_case || self.normalize {
            2
        } else {
            1
        };
        let fields: Vec<_> = self.fields.iter().map(ToString::to_string).collect();
        let condition = self.condition.as_ref().map_or("", Expression::source);
        format!(
            "{folding}\n{}\n{}\n{condition}",
            fields.join("\n"),
            self.ignore_case
        )
    }
}

/// Canonical decomposition (NFD).
fn decompose(text: &str) -> Cow<'_, str> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => DecomposingNormalizerBorrowed::new_nfd().normalize(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn unique(fields: &[&str], ignore_case: bool, condition: Option<&str>) -> Unique {
        Unique {
            name: "key".into(),
            fields: fields.iter().map(|field| field.parse().unwrap()).collect(),
            ignore_case,
            normalize: false,
            condition: condition.map(|source| Expression::compile(source).unwrap()),
            error: None,
            message: None,
        }
    }

    #[test]
    fn equal_keys_make_equal_claims() {
        let plain = unique(&["/e"], false, None);
        let folded = unique(&["/e"], true, None);
        let normalized = Unique {
            normalize: true,
            ..unique(&["/e"], false, None)
        };
        let compound = unique(&["/a", "/b"], false, None);
        let conditional = unique(&["/e"], false, Some("self.status in ['pending']"));
        let cases = [
            // (constraint, one document, another, whether they have the same key)
            (&plain, r#"{"e":"x"}"#, r#"{"e":"x"}"#, true),
            (&plain, r#"{"e":"x"}"#, r#"{"e":"X"}"#, false),
            (&plain, r#"{"e":1}"#, r#"{"e":1.0}"#, true),
            (&plain, r#"{"e":1}"#, r#"{"e":"1"}"#, false),
            (
                &plain,
                r#"{"e":{"x":1,"y":2}}"#,
                r#"{"e":{"y":2,"x":1}}"#,
                true,
            ),
            (&plain, r#"{"e":null}"#, r#"{"e":null}"#, false),
            (&plain, "{}", "{}", false),
            (&folded, r#"{"e":"ÄÖx"}"#, r#"{"e":"äöX"}"#, true),
            (&folded, r#"{"e":"straße"}"#, r#"{"e":"STRASSE"}"#, true),
            // As one character, and as a letter with a combining accent.
            (&plain, r#"{"e":"\u00e9"}"#, r#"{"e":"e\u0301"}"#, false),
            (&normalized, r#"{"e":"\u00e9"}"#, r#"{"e":"e\u0301"}"#, true),
            (&normalized, r#"{"e":"\u00e9"}"#, r#"{"e":"\u00c9"}"#, false),
            (
                &normalized,
                r#"{"e":["\u00e9"]}"#,
                r#"{"e":["e\u0301"]}"#,
                true,
            ),
            (&folded, r#"{"e":"\u00e9"}"#, r#"{"e":"E\u0301"}"#, true),
            (
                &folded,
                r#"{"e":{"x":["\u00c9"]}}"#,
                r#"{"e":{"x":["e\u0301"]}}"#,
                true,
            ),
            // Folding takes marks apart that only a second decomposition puts in order: U+0345 is a
            // combining iota, which folds to a letter.
            (
                &folded,
                r#"{"e":"\u0391\u0345\u0301"}"#,
                r#"{"e":"\u03b1\u0301\u0345"}"#,
                true,
            ),
            // Compatible is not canonical.
            (&folded, r#"{"e":"\ufb01"}"#, r#"{"e":"FI"}"#, true),
            (&normalized, r#"{"e":"\u2460"}"#, r#"{"e":"1"}"#, false),
            (
                &compound,
                r#"{"a":"x","b":"yz"}"#,
                r#"{"a":"xy","b":"z"}"#,
                false,
            ),
            (&compound, r#"{"a":"x"}"#, r#"{"a":"x"}"#, false),
            (
                &conditional,
                r#"{"e":1,"status":"pending"}"#,
                r#"{"e":1,"status":"pending"}"#,
                true,
            ),
            (
                &conditional,
                r#"{"e":1,"status":"pending"}"#,
                r#"{"e":1,"status":"done"}"#,
                false,
            ),
            (&conditional, r#"{"e":1}"#, r#"{"e":1}"#, false),
        ];
        for (unique, one, other, collide) in cases {
            let claim = |text: &str| unique.claim(0, &parse(text.as_bytes()).unwrap());
            let collides = claim(one).is_some() && claim(one) == claim(other);
            assert_eq!(collides, collide, "{one} and {other}");
        }
    }
}
