use std::cmp::Ordering;

use crate::Moment;
use crate::json::{self, Number, Object, Pointer, Value};

/// Which documents a list has, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// All filters must hold.
    pub filters: Vec<Filter>,
    pub sort: Sort,
}

/// A condition on one value: `stock.lt=5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub field: QueryField,
    pub test: Test,
}

/// Where a filter or a sort looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueryField {
    /// `_id`
    #[default]
    Id,
    /// `_version`
    Version,
    /// `_updated_at`
    UpdatedAt,
    /// A member by its name, or any value by its JSON Pointer.
    Data(Pointer),
}

/// What a filter requires of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It equals any of these; `eq` has one, `in` has several.
    In(Vec<Literal>),
    /// It equals none of these, or is absent.
    NotIn(Vec<Literal>),
    /// It has the same type, and compares to the literal as one of the orderings.
    Ordered(Literal, &'static [Ordering]),
    /// It is present, or absent.
    Exists(bool),
}

/// A value in a query string: `5` means the number or the string, `"5"` only the string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    value: Value,
    text: Option<Value>,
}

/// By some places, the first of them first, and in the end by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// No `_id` among them: nothing behind it could matter.
    pub keys: Vec<SortKey>,
    /// Of the ids: as `_id` was asked for, else as the last key.
    pub ids_descend: bool,
}

/// One place to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    pub field: QueryField,
    pub descending: bool,
}

/// The position of an item in an order. Absent comes first, then null, booleans, numbers, strings,
/// arrays, objects; arrays, like objects, are equal to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// One for each key of the order.
    pub values: Vec<Option<Value>>,
    pub id: String,
}

/// A query parameter that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter:?}: {message}")]
pub struct QueryError {
    pub parameter: String,
    pub message: String,
}

/// A document as a query sees it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub id: &'a str,
    pub version: u64,
    pub at: Moment,
    /// Checked JSON.
    pub data: &'a str,
}

impl Item<'_> {
    fn value(&self, field: &QueryField) -> Option<Value> {
        match field {
            QueryField::Id => Some(Value::from(self.id)),
            QueryField::Version => Some(Value::Number(Number::from(self.version))),
            QueryField::UpdatedAt => Some(Value::String(self.at.to_string())),
            QueryField::Data(pointer) => {
                let text = json::find(self.data, pointer)?;
                json::parse(text.as_bytes()).ok()
            }
        }
    }
}

impl Query {
    /// Whether all filters hold.
    pub fn selects(&self, item: &Item<'_>) -> bool {
        self.filters.iter().all(|filter| filter.selects(item))
    }

    /// Whether the order is the one in which keys are stored.
    pub fn is_by_id(&self) -> bool {
        self.sort.keys.is_empty()
    }
}

impl QueryField {
    /// A member's name, a JSON Pointer, or one of `_id`, `_version` and `_updated_at`.
    ///
    /// # Errors
    ///
    /// [`QueryError`] for other names that begin with `_`, and for malformed pointers.
    pub fn parse(parameter: &str, name: &str) -> Result<Self, QueryError> {
        match name {
            "_id" => Ok(Self::Id),
            "_version" => Ok(Self::Version),
            "_updated_at" => Ok(Self::UpdatedAt),
            _ if name.starts_with('_') => Err(QueryError {
                parameter: parameter.to_owned(),
                message: "names that begin with `_` are reserved; use _id, _version or _updated_at"
                    .into(),
            }),
            _ if name.starts_with('/') => {
                name.parse().map(Self::Data).map_err(|error| QueryError {
                    parameter: parameter.to_owned(),
                    message: format!("{error}"),
                })
            }
            "" => Err(QueryError {
                parameter: parameter.to_owned(),
                message: "the name of a member is missing".into(),
            }),
            _ if name.contains(['.', ',']) => Err(QueryError {
                parameter: parameter.to_owned(),
                message: format!(
                    "neither an operator nor the name of a member; use a JSON Pointer, such as /{}, \
                     for a nested value or for a name with a dot or a comma",
                    name.replace(['.', ','], "/")
                ),
            }),
            _ => Ok(Self::Data(Pointer::root().child(name))),
        }
    }
}

impl Filter {
    /// Whether it holds for a document.
    pub fn selects(&self, item: &Item<'_>) -> bool {
        self.test.holds(item.value(&self.field).as_ref())
    }

    /// One parameter of a query string: `status=paid`, `stock.lt=5`, `/address/city.in=Bonn,Ulm`.
    ///
    /// # Errors
    ///
    /// [`QueryError`] that names the parameter.
    pub fn parse(parameter: &str, value: &str) -> Result<Self, QueryError> {
        let (name, operator) = match parameter.rsplit_once('.') {
            Some((name, operator)) if OPERATORS.contains(&operator) => (name, operator),
            _ => (parameter, "eq"),
        };
        let field = QueryField::parse(parameter, name)?;
        let literal = |text: &str| match field {
            QueryField::UpdatedAt => Literal::parse(&with_milliseconds(text)),
            _ => Literal::parse(text),
        };
        if operator == "in" && value.split(',').count() > MAX_VALUES {
            return Err(QueryError {
                parameter: parameter.to_owned(),
                message: format!("at most {MAX_VALUES} values"),
            });
        }
        let list = || value.split(',').map(literal).collect();
        let test = match operator {
            "ne" => Test::NotIn(vec![literal(value)]),
            "in" => Test::In(list()),
            "exists" => Test::Exists(value.parse().map_err(|_| QueryError {
                parameter: parameter.to_owned(),
                message: "must be true or false".into(),
            })?),
            other => match orderings(other) {
                Some(orderings) => Test::Ordered(literal(value), orderings),
                None => Test::In(vec![literal(value)]),
            },
        };
        Ok(Self { field, test })
    }

    /// The same, of a value that has a type: `"5"` is the string alone. `in` takes an array.
    ///
    /// # Errors
    ///
    /// [`QueryError`] that names the field.
    pub fn of(name: &str, operator: &str, value: &Value) -> Result<Self, QueryError> {
        let wrong = |message: &str| QueryError {
            parameter: name.to_owned(),
            message: message.to_owned(),
        };
        let field = QueryField::parse(name, name)?;
        if operator == "exists" {
            let Value::Bool(wanted) = value else {
                return Err(wrong("exists must be true or false"));
            };
            let test = Test::Exists(*wanted);
            return Ok(Self { field, test });
        }
        let literal = |value: &Value| {
            let value = match (&field, value) {
                (QueryField::UpdatedAt, Value::String(text)) => {
                    Value::from(with_milliseconds(text))
                }
                (_, Value::Array(_) | Value::Object(_)) => {
                    return Err(wrong("a value must be no array and no object"));
                }
                (_, value) => value.clone(),
            };
            Ok(Literal { value, text: None })
        };
        let test = match (operator, value) {
            ("in", Value::Array(values)) if values.len() <= MAX_VALUES => {
                Test::In(values.iter().map(literal).collect::<Result<_, _>>()?)
            }
            ("in", Value::Array(_)) => return Err(wrong(&format!("at most {MAX_VALUES} values"))),
            ("in", _) => return Err(wrong("in must be an array")),
            ("eq", value) => Test::In(vec![literal(value)?]),
            ("ne", value) => Test::NotIn(vec![literal(value)?]),
            (other, value) => match orderings(other) {
                Some(orderings) => Test::Ordered(literal(value)?, orderings),
                None => {
                    let message = format!("there is no {other:?}: {}", OPERATORS.join(", "));
                    return Err(wrong(&message));
                }
            },
        };
        Ok(Self { field, test })
    }
}

fn orderings(operator: &str) -> Option<&'static [Ordering]> {
    use Ordering::{Equal, Greater, Less};
    match operator {
        "lt" => Some(&[Less]),
        "le" => Some(&[Less, Equal]),
        "gt" => Some(&[Greater]),
        "ge" => Some(&[Greater, Equal]),
        _ => None,
    }
}

/// Times are compared as texts, so they must have the form that the server writes.
fn with_milliseconds(text: &str) -> String {
    match text.strip_suffix('Z') {
        Some(second) if !second.contains('.') => format!("{second}.000Z"),
        _ => text.to_owned(),
    }
}

/// How many values a filter may name: each document is compared with each.
pub const MAX_VALUES: usize = 100;

/// How many filters a query may have.
pub const MAX_FILTERS: usize = 20;

/// How many places an order may have.
pub const MAX_SORT_KEYS: usize = 8;

/// The operators that a filter's name may end with, after a dot.
const OPERATORS: &[&str] = &["eq", "ne", "lt", "le", "gt", "ge", "in", "exists"];

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        let any = |literals: &[Literal]| {
            value.is_some_and(|value| literals.iter().any(|it| it.equals(value)))
        };
        match self {
            Self::In(literals) => any(literals),
            Self::NotIn(literals) => !any(literals),
            Self::Exists(wanted) => value.is_some() == *wanted,
            Self::Ordered(literal, orderings) => value
                .and_then(|value| literal.compare(value))
                .is_some_and(|ordering| orderings.contains(&ordering)),
        }
    }
}

impl Literal {
    fn parse(text: &str) -> Self {
        let as_text = Value::from(text);
        match json::parse(text.as_bytes()) {
            Ok(value @ Value::String(_)) => Self { value, text: None },
            Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => Self {
                value,
                text: Some(as_text),
            },
            _ => Self {
                value: as_text,
                text: None,
            },
        }
    }

    fn equals(&self, value: &Value) -> bool {
        *value == self.value || self.text.as_ref() == Some(value)
    }

    /// How `value` compares to this, if both have the same type and it is ordered. Here `5` is only
    /// the number: as a string it would come after `10`.
    fn compare(&self, value: &Value) -> Option<Ordering> {
        match (value, &self.value) {
            (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl Sort {
    /// `price`, `-price`, `/address/city,-_updated_at`. A comma always separates.
    ///
    /// # Errors
    ///
    /// [`QueryError`] as [`QueryField::parse`], for a place that is there twice, and for too many.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let wrong = |message: String| QueryError {
            parameter: "sort".into(),
            message,
        };
        if text.split(',').count() > MAX_SORT_KEYS {
            return Err(wrong(format!("at most {MAX_SORT_KEYS} places")));
        }
        let mut keys: Vec<SortKey> = Vec::new();
        for part in text.split(',') {
            let key = SortKey::parse(part)?;
            if keys.iter().any(|it| it.field == key.field) {
                return Err(wrong(format!("{part:?} is a place that it has already")));
            }
            keys.push(key);
        }
        let ids_descend = match keys.iter().position(|it| it.field == QueryField::Id) {
            // No two ids are equal.
            Some(at) => keys.drain(at..).next(),
            None => keys.last().cloned(),
        };
        Ok(Self {
            keys,
            ids_descend: ids_descend.is_some_and(|it| it.descending),
        })
    }

    /// The position of an item in this order.
    pub fn rank(&self, item: &Item<'_>) -> Rank {
        let values = self.keys.iter().map(|it| item.value(&it.field));
        Rank {
            values: values.map(|it| it.map(placed)).collect(),
            id: item.id.to_owned(),
        }
    }

    /// Which of two items comes first.
    pub fn compare(&self, left: &Rank, right: &Rank) -> Ordering {
        let pairs = left.values.iter().zip(&right.values);
        let mut by_keys = self.keys.iter().zip(pairs).map(|(key, (left, right))| {
            let ordering = compare_values(left.as_ref(), right.as_ref());
            directed(ordering, key.descending)
        });
        let decided = by_keys.find(|it| it.is_ne());
        decided.unwrap_or_else(|| directed(left.id.cmp(&right.id), self.ids_descend))
    }
}

impl SortKey {
    fn parse(text: &str) -> Result<Self, QueryError> {
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let field = QueryField::parse("sort", name)?;
        Ok(Self { field, descending })
    }
}

/// As much of a value as its place depends on: cursors carry it.
fn placed(value: Value) -> Value {
    match value {
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Object::new()),
        plain => plain,
    }
}

fn directed(ordering: Ordering, descending: bool) -> Ordering {
    match descending {
        true => ordering.reverse(),
        false => ordering,
    }
}

fn compare_values(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => left.cmp(right),
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        _ => left.map(Value::type_of).cmp(&right.map(Value::type_of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item<'a>(id: &'a str, data: &'a str) -> Item<'a> {
        Item {
            id,
            version: 3,
            at: Moment(1_795_343_400_000),
            data,
        }
    }

    #[test]
    fn filters_select_by_value() {
        let data =
            r#"{"status":"paid","stock":4,"code":"5","n":5,"a":{"b":[1,2]},"x.lt":1,"z":null}"#;
        let cases = [
            ("status", "paid", true),
            ("status", "Paid", false),
            ("status.ne", "paid", false),
            ("gone.ne", "paid", true),
            ("stock.lt", "5", true),
            ("stock.lt", "4", false),
            ("stock.le", "4.0", true),
            ("stock.gt", "3.5", true),
            ("stock.ge", "5", false),
            ("stock.lt", "x", false),
            ("gone.lt", "5", false),
            ("code", "5", true),
            ("n", "5", true),
            ("n", "\"5\"", false),
            ("code", "\"5\"", true),
            ("code.lt", "6", false),
            ("code.lt", "\"6\"", true),
            ("status.in", "draft,paid", true),
            ("stock.in", "1,4", true),
            ("/a/b/1", "2", true),
            ("/a/b/1.ge", "2", true),
            ("a.exists", "true", true),
            ("gone.exists", "false", true),
            ("z", "null", true),
            ("/x.lt.eq", "1", true),
            ("_id", "7", true),
            ("_version.ge", "3", true),
            ("_updated_at.gt", "2026-11-22T10:29:59Z", true),
            ("_updated_at.ge", "2026-11-22T10:30:00Z", true),
            ("_updated_at.gt", "2026-11-22T10:30:00Z", false),
            ("_updated_at.lt", "2026-11-22T10:30:00.001Z", true),
            ("_updated_at", "2026-11-22T10:30:00Z", true),
        ];
        for (parameter, value, selected) in cases {
            let query = Query {
                filters: vec![Filter::parse(parameter, value).unwrap()],
                ..Query::default()
            };
            assert_eq!(
                query.selects(&item("7", data)),
                selected,
                "{parameter}={value}"
            );
        }
        for parameter in ["_other", "/a~", "", ".lt", "stock.like", "a.b", "a,b"] {
            assert!(Filter::parse(parameter, "1").is_err(), "{parameter:?}");
        }
        assert!(Filter::parse("a.exists", "maybe").is_err());
    }

    #[test]
    fn orders_put_types_in_turn_and_ids_last() {
        let documents = [
            ("a", r#"{"k":"x"}"#),
            ("b", r#"{"k":2}"#),
            ("c", "{}"),
            ("d", r#"{"k":10}"#),
            ("e", r#"{"k":null}"#),
            ("f", r#"{"k":2.0}"#),
            ("g", r#"{"k":{}}"#),
            ("h", r#"{"k":false}"#),
        ];
        let sorted = |order: &str| {
            let sort = Sort::parse(order).unwrap();
            let mut ranks: Vec<_> = documents
                .iter()
                .map(|(id, data)| sort.rank(&item(id, data)))
                .collect();
            ranks.sort_by(|left, right| sort.compare(left, right));
            ranks.into_iter().map(|rank| rank.id).collect::<String>()
        };
        assert_eq!(sorted("k"), "cehbfdag");
        assert_eq!(sorted("-k"), "gadfbhec");
        assert_eq!(sorted("-_id"), "hgfedcba");
    }

    #[test]
    fn orders_may_have_several_places() {
        let documents = [
            ("a", r#"{"x":1,"y":{"z":"b"}}"#),
            ("b", r#"{"x":2,"y":{"z":"a"}}"#),
            ("c", r#"{"x":1,"y":{"z":"a"}}"#),
            ("d", r#"{"y":{"z":"a"}}"#),
            ("e", r#"{"x":1.0,"y":{"z":"b"}}"#),
            ("f", r#"{"x":2}"#),
        ];
        let cases = [
            ("x", "dacebf"),
            ("-x", "fbecad"),
            ("x,_id", "dacebf"),
            ("x,-_id", "decafb"),
            ("x,-_id,/y/z", "decafb"),
            ("-x,_id", "bfaced"),
            ("x,/y/z", "dcaefb"),
            ("-x,/y/z", "fbcaed"),
            ("x,-/y/z", "deacbf"),
            ("/y/z,-x", "fbcdea"),
            ("_id,x", "abcdef"),
            ("_version,_updated_at,-x", "fbecad"),
        ];
        for (order, expected) in cases {
            let sort = Sort::parse(order).unwrap();
            let mut ranks = documents.map(|(id, data)| sort.rank(&item(id, data)));
            ranks.sort_by(|left, right| sort.compare(left, right));
            let found: String = ranks.into_iter().map(|rank| rank.id).collect();
            assert_eq!(found, expected, "{order}");
        }
        let wrong = [
            "",
            "-",
            "x,",
            ",x",
            "x,,y",
            "x,x",
            "x,-x",
            "x,/x",
            "_id,-_id",
            "x,_nope",
            "x,y.z",
            "/a~",
            "a,b,c,d,e,f,g,h,i",
        ];
        for order in wrong {
            assert!(Sort::parse(order).is_err(), "{order:?}");
        }
        assert!(Sort::parse("a,b,c,d,e,f,g,h").is_ok());
    }
}
