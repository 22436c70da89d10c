//! What is the same in all versions may be set aside: no result depends on it.

use bytes::Bytes;
use detente_core::json::Value;
use detente_core::merge::Merge;
use detente_core::{Contrast, changed_members, compare_blind};
use proptest::prelude::*;

use crate::document::{reversed, strategies_without};
use crate::{Three, join, three};

/// A way to write a document.
fn text(document: &Value, is_spread: bool) -> Bytes {
    let members = document.as_object().unwrap().iter();
    let member = |(name, value): (&String, &Value)| {
        let name = Value::from(name.as_str());
        match is_spread {
            true => format!(" {name} : {value} "),
            false => format!("{name}:{value}"),
        }
    };
    let members: Vec<_> = members.map(member).collect();
    format!("{{{}}}", members.join(",")).into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn set_aside(
        Three(whole) in three(), is_reversed in any::<[bool; 3]>(), is_spread in any::<[bool; 3]>()
    ) {
        let mut whole = whole;
        for (document, _) in whole.iter_mut().zip(is_reversed).filter(|(_, is_it)| *is_it) {
            *document = reversed(document);
        }
        let contrast = Contrast::of(whole.iter().zip(is_spread).map(|(it, spread)| text(it, spread)));
        let rest = [0, 1, 2].map(|index| contrast.tree(index));
        let strategies = strategies_without(&[]);
        let [of_whole, of_rest] = [&whole, &rest]
            .map(|[base, ours, theirs]| join(base, ours, theirs, &strategies));
        let document = of_rest.document.as_ref().expect("a document is left");
        let order = if of_rest.is_ours { 1 } else { 2 };
        let text = of_whole.document.as_ref().expect("a document is left").to_text();
        prop_assert_eq!(contrast.whole(order, document), text);
        let told = |found: Merge| Merge { document: None, ..found };
        prop_assert_eq!(told(of_rest), told(of_whole));
        let [base, ours, theirs] = &whole;
        let [base_rest, ours_rest, theirs_rest] = &rest;
        prop_assert_eq!(
            changed_members(Some(base), Some(theirs)),
            changed_members(Some(base_rest), Some(theirs_rest))
        );
        prop_assert_eq!(
            compare_blind(Some(ours), Some(theirs)),
            compare_blind(Some(ours_rest), Some(theirs_rest))
        );
    }
}
