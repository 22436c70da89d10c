//! A Rust type as a view of a document, written back without losing what the type does not have.
//!
//! A document may have members that a program does not know, because a newer program put them
//! there. If only the type were written back, they would be lost, although nobody removed them. So
//! the changes that the program made in its view are transferred to the document as it was read,
//! and everything else stays, digits included.

use detente_core::json::{Object, Value, parse};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ContentError;

/// Reads a document as `T`.
pub(crate) fn read<T: DeserializeOwned>(document: &Value) -> Result<T, ContentError> {
    serde_json::from_str(&document.to_text()).map_err(ContentError::Type)
}

/// A value as a document of its own.
pub(crate) fn write<T: Serialize>(value: &T) -> Result<Value, ContentError> {
    let text = serde_json::to_string(value).map_err(ContentError::Value)?;
    parse(text.as_bytes()).map_err(ContentError::Syntax)
}

/// `document` with the changes made in `T` since it was read.
pub(crate) fn put_back<T: Serialize + DeserializeOwned>(
    document: &Value,
    value: &T,
) -> Result<Value, ContentError> {
    let before = write(&read::<T>(document)?)?;
    let after = write(value)?;
    Ok(carry(&before, &after, document))
}

/// Applies the change from `before` to `after` to `whole`, of which `before` shows a part.
fn carry(before: &Value, after: &Value, whole: &Value) -> Value {
    if before == after {
        return whole.clone();
    }
    match (before, after, whole) {
        (Value::Object(before), Value::Object(after), Value::Object(whole)) => {
            Value::Object(carry_members(before, after, whole))
        }
        (Value::Array(before), Value::Array(after), Value::Array(whole))
            if before.len() == whole.len() =>
        {
            Value::Array(carry_items(before, after, whole))
        }
        _ => after.clone(),
    }
}

fn carry_members(before: &Object, after: &Object, whole: &Object) -> Object {
    let kept = |name: &String| after.contains_key(name) || !before.contains_key(name);
    let mut members: Object = whole
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, after) in after {
        let carried = match (before.get(name), whole.get(name)) {
            (Some(before), Some(whole)) => carry(before, after, whole),
            // A default of the type that the document does not have, and that was not changed.
            (Some(before), None) if before == after => continue,
            _ => after.clone(),
        };
        members.insert(name.clone(), carried);
    }
    members
}

/// Elements have no names. Unchanged ones at the front and at the back are matched; if as many are
/// left between them as before, they are treated as the same elements, changed.
fn carry_items(before: &[Value], after: &[Value], whole: &[Value]) -> Vec<Value> {
    let pairs = || before.iter().zip(after);
    let front = pairs()
        .take_while(|(before, after)| before == after)
        .count();
    let most = before.len().min(after.len()) - front;
    let back = before.iter().rev().zip(after.iter().rev());
    let back = back
        .take(most)
        .take_while(|(before, after)| before == after);
    let back = back.count();
    let (before_end, after_end) = (before.len() - back, after.len() - back);
    let mut items = whole[..front].to_vec();
    if before_end == after_end {
        items.extend((front..before_end).map(|at| carry(&before[at], &after[at], &whole[at])));
    } else {
        items.extend_from_slice(&after[front..after_end]);
    }
    items.extend_from_slice(&whole[before_end..]);
    items
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Item {
        name: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        total: f64,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    fn edited(document: &str, edit: impl FnOnce(&mut Order)) -> String {
        let document = parse(document.as_bytes()).unwrap();
        let mut order: Order = read(&document).unwrap();
        edit(&mut order);
        put_back(&document, &order).unwrap().to_text()
    }

    #[test]
    fn only_what_was_edited_changes() {
        let whole = r#"{"v":2,"total":12345678901234567890.10,"note":"a","items":[{"name":"x","sku":1},{"name":"y","sku":2}]}"#;
        assert_eq!(edited(whole, |_| {}), whole);
        assert_eq!(
            edited(whole, |order| order.note = Some("b".into())),
            whole.replace(r#""a""#, r#""b""#)
        );
        assert_eq!(
            edited(whole, |order| order.note = None),
            whole.replace(r#""note":"a","#, "")
        );
        assert_eq!(
            edited(whole, |order| order.items[1].name = "z".into()),
            whole.replace(r#""y""#, r#""z""#)
        );
        assert_eq!(
            edited(whole, |order| {
                order.items.remove(0);
            }),
            whole.replace(r#"{"name":"x","sku":1},"#, "")
        );
        assert_eq!(
            edited(whole, |order| order
                .items
                .insert(1, Item { name: "z".into() })),
            whole.replace(r#"1},{"#, r#"1},{"name":"z"},{"#)
        );
        assert_eq!(
            edited(whole, |order| order.total = 1.5),
            whole.replace("12345678901234567890.10", "1.5")
        );
    }

    #[test]
    fn a_default_of_the_type_is_no_edit() {
        let whole = r#"{"total":1}"#;
        assert_eq!(edited(whole, |_| {}), whole);
        assert_eq!(edited(whole, |order| order.total = 2.0), r#"{"total":2.0}"#);
        assert_eq!(
            edited(whole, |order| order.items.push(Item { name: "x".into() })),
            r#"{"total":1,"items":[{"name":"x"}]}"#
        );
    }

    fn item() -> impl Strategy<Value = Item> {
        "[a-c]".prop_map(|name| Item { name })
    }

    fn order() -> impl Strategy<Value = Order> {
        let items = prop::collection::vec(item(), 0..5);
        (0..3u8, items, prop::option::of("[ab]")).prop_map(|(total, items, note)| Order {
            total: total.into(),
            items,
            note,
        })
    }

    /// The order as a document with more members than the type has.
    fn with_more(order: &Order) -> Value {
        let Value::Object(mut members) = write(order).unwrap() else {
            panic!("an order is an object");
        };
        if let Some(Value::Array(items)) = members.get_mut("items") {
            for (at, item) in items.iter_mut().enumerate() {
                if let Value::Object(members) = item {
                    members.insert("sku".into(), Value::from(at as u64));
                }
            }
        }
        members.insert("more".into(), "kept".into());
        Value::Object(members)
    }

    proptest! {
        #[test]
        fn what_is_put_back_is_what_is_read_again(before in order(), after in order()) {
            let whole = with_more(&before);
            let result = put_back(&whole, &after).unwrap();
            prop_assert_eq!(read::<Order>(&result).unwrap(), after);
            prop_assert_eq!(result.get("more"), Some(&"kept".into()));
        }

        #[test]
        fn what_was_not_edited_stays_as_it_was(order in order()) {
            let whole = with_more(&order);
            prop_assert_eq!(put_back(&whole, &order).unwrap().to_text(), whole.to_text());
        }
    }
}
