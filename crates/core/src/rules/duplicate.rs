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
    /// Compares strings by Unicode's default case folding.
    pub ignore_case: bool,
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
        let fold = |value: &&Value| match value {
            Value::String(text) if self.ignore_case => {
                Value::String(UniCase::new(text.as_str()).to_folded_case())
            }
            value => (*value).clone(),
        };
        let values = Value::Array(values.iter().map(fold).collect());
        Some(Claim {
            index,
            constraint: self.name.clone(),
            value: values.canonical(),
        })
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
        let fields: Vec<_> = self.fields.iter().map(ToString::to_string).collect();
        let condition = self.condition.as_ref().map_or("", Expression::source);
        format!(
            "1\n{}\n{}\n{condition}",
            fields.join("\n"),
            self.ignore_case
        )
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
            condition: condition.map(|source| Expression::compile(source).unwrap()),
            error: None,
            message: None,
        }
    }

    #[test]
    fn equal_keys_make_equal_claims() {
        let plain = unique(&["/e"], false, None);
        let folded = unique(&["/e"], true, None);
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
