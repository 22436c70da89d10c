use crate::changed_members;
use crate::json::{Pointer, Value};

/// How many places are listed. If there are more, the top-level members are listed instead.
const LISTED: usize = 64;

/// The places that differ between two versions of a document: the deepest members that differ,
/// arrays as a whole. Only the root if one side has no document.
pub fn touched(before: Option<&Value>, after: Option<&Value>) -> Vec<Pointer> {
    let mut places = Vec::new();
    collect(&Pointer::root(), before, after, &mut places);
    if places.len() <= LISTED {
        return places;
    }
    let members = changed_members(before, after).into_iter();
    members.map(|name| Pointer::root().child(name)).collect()
}

fn collect(
    place: &Pointer,
    before: Option<&Value>,
    after: Option<&Value>,
    places: &mut Vec<Pointer>,
) {
    if before == after || places.len() > LISTED {
        return;
    }
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        places.push(place.clone());
        return;
    };
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    for name in new.keys().chain(removed) {
        let (old, new) = (old.get(name), new.get(name));
        if old != new {
            collect(&place.child(name.as_str()), old, new, places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn the_deepest_members_that_differ_are_told() {
        let cases = [
            (r#"{"a":1}"#, r#"{"a":1.0}"#, ""),
            (r#"{"a":1,"b":1}"#, r#"{"a":2,"c":1}"#, "/a /c /b"),
            (
                r#"{"a":{"x":1,"y":[1]}}"#,
                r#"{"a":{"x":1,"y":[2]}}"#,
                "/a/y",
            ),
            (r#"{"a":{"x":1}}"#, r#"{"a":7}"#, "/a"),
        ];
        for (before, after, expected) in cases {
            let value = |text: &str| parse(text.as_bytes()).unwrap();
            let found = touched(Some(&value(before)), Some(&value(after)));
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{before} {after}");
        }
        let document = parse(b"{}").unwrap();
        assert_eq!(touched(None, Some(&document)), [Pointer::root()]);
        assert_eq!(touched(Some(&document), None), [Pointer::root()]);
        let many: String = (0..100).map(|n| format!("\"m{n}\":0,")).collect();
        let many = parse(format!("{{\"a\":{{{}}}}}", many.trim_end_matches(',')).as_bytes());
        let few = parse(br#"{"a":{}}"#).unwrap();
        let found = touched(Some(&few), Some(&many.unwrap()));
        assert_eq!(found, [Pointer::root().child("a")]);
    }
}
