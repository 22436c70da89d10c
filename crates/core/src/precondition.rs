use crate::{EntityTag, Malformed, Moment};

/// The value of If-Match or If-None-Match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `*`
    Any,
    Tags(Vec<EntityTag>),
}

/// The preconditions of one request (RFC 9110, section 13.1), without those to be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    pub if_match: Option<Condition>,
    pub if_none_match: Option<Condition>,
    /// A value that is not an HTTP-date must be ignored (section 13.1.4), and is `None` here.
    pub if_unmodified_since: Option<Moment>,
    pub if_modified_since: Option<Moment>,
}

/// The field whose precondition was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    IfMatch,
    IfUnmodifiedSince,
    IfNoneMatch,
    IfModifiedSince,
}

/// The representation that preconditions are evaluated against.
#[derive(Clone, Debug)]
pub struct Selected {
    pub tag: EntityTag,
    pub modified: Moment,
    /// Whether the version before was written within the same second. Then Last-Modified does not
    /// distinguish the two (section 8.8.2.2), and no date can stand for this one.
    pub shares_its_second: bool,
}

/// The result of evaluating preconditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They all hold.
    Proceed,
    /// This one does not hold.
    Fail(Field),
}

impl Field {
    /// The name of the header field.
    pub fn name(self) -> &'static str {
        match self {
            Self::IfMatch => "If-Match",
            Self::IfUnmodifiedSince => "If-Unmodified-Since",
            Self::IfNoneMatch => "If-None-Match",
            Self::IfModifiedSince => "If-Modified-Since",
        }
    }
}

impl Condition {
    /// Reads `"*" / #entity-tag` (sections 13.1.1 and 13.1.2).
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything else, including `*` in a list.
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        if value.trim_ascii() == b"*" {
            return Ok(Self::Any);
        }
        EntityTag::parse_list(value).map(Self::Tags)
    }

    /// The tags; none for `*`.
    pub fn tags(&self) -> &[EntityTag] {
        match self {
            Self::Any => &[],
            Self::Tags(tags) => tags,
        }
    }

    fn is_met_by(
        &self,
        current: Option<&Selected>,
        equals: fn(&EntityTag, &EntityTag) -> bool,
    ) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Tags(tags), Some(current)) => tags.iter().any(|tag| equals(tag, &current.tag)),
        }
    }
}

impl Preconditions {
    /// Whether they prevent a write from silently overwriting another. If-None-Match with tags does
    /// not.
    pub fn protect_a_write(&self) -> bool {
        self.if_match.is_some()
            || self.if_none_match == Some(Condition::Any)
            || self.if_unmodified_since.is_some()
    }

    /// Whether evaluating them needs [`Selected::shares_its_second`].
    pub fn ask_for_dates(&self) -> bool {
        self.if_unmodified_since.is_some() || self.if_modified_since.is_some()
    }
}

/// Decides whether a request may be performed (RFC 9110, section 13.2.2).
///
/// `current` is the selected representation, `None` if there is none; `is_read` means that the
/// method is GET or HEAD. For those, a failed If-None-Match or If-Modified-Since means 304.
/// If-Match compares strongly (section 13.1.1), If-None-Match weakly (section 13.1.2).
pub fn evaluate(conditions: &Preconditions, current: Option<&Selected>, is_read: bool) -> Verdict {
    if let Some(condition) = &conditions.if_match {
        if !condition.is_met_by(current, EntityTag::strong_eq) {
            return Verdict::Fail(Field::IfMatch);
        }
    } else if let (Some(date), Some(current)) = (conditions.if_unmodified_since, current)
        && !is_vouched_for(current, date)
    {
        return Verdict::Fail(Field::IfUnmodifiedSince);
    }
    if let Some(condition) = &conditions.if_none_match {
        if condition.is_met_by(current, EntityTag::weak_eq) {
            return Verdict::Fail(Field::IfNoneMatch);
        }
    } else if let (Some(date), Some(current)) = (conditions.if_modified_since, current)
        && is_read
        && is_vouched_for(current, date)
    {
        return Verdict::Fail(Field::IfModifiedSince);
    }
    Verdict::Proceed
}

/// Whether a client that knows the state at `date` certainly knows this representation.
fn is_vouched_for(current: &Selected, date: Moment) -> bool {
    let (modified, date) = (current.modified.second(), date.second());
    modified < date || (modified == date && !current.shares_its_second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selected(tag: &str, second: u64, shares_its_second: bool) -> Selected {
        Selected {
            tag: EntityTag::parse_list(tag.as_bytes()).unwrap().remove(0),
            modified: Moment(second * 1000 + 400),
            shares_its_second,
        }
    }

    #[test]
    fn if_match_and_if_none_match() {
        use Verdict::{Fail, Proceed};
        let (hit, miss) = (Field::IfMatch, Field::IfNoneMatch);
        let cases = [
            // (If-Match, If-None-Match, current entity tag, verdict)
            (Some("*"), None, Some(r#""a""#), Proceed),
            (Some("*"), None, None, Fail(hit)),
            (Some(r#""a""#), None, Some(r#""a""#), Proceed),
            (Some(r#""b", "a""#), None, Some(r#""a""#), Proceed),
            (Some(r#""b""#), None, Some(r#""a""#), Fail(hit)),
            (Some(r#"W/"a""#), None, Some(r#""a""#), Fail(hit)),
            (Some(r#""a""#), None, None, Fail(hit)),
            (None, Some("*"), None, Proceed),
            (None, Some("*"), Some(r#""a""#), Fail(miss)),
            (None, Some(r#"W/"a""#), Some(r#""a""#), Fail(miss)),
            (None, Some(r#""b""#), Some(r#""a""#), Proceed),
            (Some(r#""b""#), Some("*"), Some(r#""a""#), Fail(hit)),
            (Some(r#""a""#), Some("*"), Some(r#""a""#), Fail(miss)),
            (None, None, None, Proceed),
        ];
        for (if_match, if_none_match, current, verdict) in cases {
            let parse = |value: &str| Condition::parse(value.as_bytes()).unwrap();
            let conditions = Preconditions {
                if_match: if_match.map(parse),
                if_none_match: if_none_match.map(parse),
                ..Preconditions::default()
            };
            let current = current.map(|tag| selected(tag, 10, false));
            assert_eq!(
                evaluate(&conditions, current.as_ref(), false),
                verdict,
                "{if_match:?} {if_none_match:?} against {current:?}"
            );
        }
    }

    #[test]
    fn a_date_does_not_vouch_for_a_version_that_shares_its_second() {
        let cases = [
            // (date, modified, shares its second, unmodified since holds)
            (10, 10, false, true),
            (10, 10, true, false),
            (11, 10, true, true),
            (9, 10, false, false),
        ];
        for (date, modified, shares, holds) in cases {
            let conditions = Preconditions {
                if_unmodified_since: Some(Moment(date * 1000)),
                ..Preconditions::default()
            };
            let current = selected(r#""a""#, modified, shares);
            let verdict = evaluate(&conditions, Some(&current), false);
            assert_eq!(
                verdict == Verdict::Proceed,
                holds,
                "{date} against {current:?}"
            );
        }
    }

    /// RFC 9110, section 13.2.2, step by step, exactly as written there.
    fn literally(conditions: &Preconditions, current: Option<&Selected>, is_read: bool) -> Verdict {
        let mut step = 1;
        loop {
            step = match step {
                1 if conditions.if_match.is_none() => 2,
                1 => {
                    let is_true = match (conditions.if_match.as_ref(), current) {
                        (Some(Condition::Any), current) => current.is_some(),
                        (Some(Condition::Tags(tags)), Some(current)) => tags.iter().any(|tag| {
                            tag.opaque() == current.tag.opaque()
                                && !tag.is_weak()
                                && !current.tag.is_weak()
                        }),
                        _ => false,
                    };
                    if !is_true {
                        return Verdict::Fail(Field::IfMatch);
                    }
                    3
                }
                2 => {
                    if let (Some(date), Some(current)) = (conditions.if_unmodified_since, current) {
                        let earlier = current.modified.0 / 1000 < date.0 / 1000;
                        let same = current.modified.0 / 1000 == date.0 / 1000;
                        if !(earlier || same && !current.shares_its_second) {
                            return Verdict::Fail(Field::IfUnmodifiedSince);
                        }
                    }
                    3
                }
                3 if conditions.if_none_match.is_none() => 4,
                3 => {
                    let is_false = match (conditions.if_none_match.as_ref(), current) {
                        (Some(Condition::Any), current) => current.is_some(),
                        (Some(Condition::Tags(tags)), Some(current)) => {
                            tags.iter().any(|tag| tag.opaque() == current.tag.opaque())
                        }
                        _ => false,
                    };
                    if is_false {
                        return Verdict::Fail(Field::IfNoneMatch);
                    }
                    6
                }
                4 if !is_read || conditions.if_modified_since.is_none() => 6,
                4 => {
                    if let (Some(date), Some(current)) = (conditions.if_modified_since, current) {
                        let later = current.modified.0 / 1000 > date.0 / 1000;
                        let same = current.modified.0 / 1000 == date.0 / 1000;
                        if !(later || same && current.shares_its_second) {
                            return Verdict::Fail(Field::IfModifiedSince);
                        }
                    }
                    6
                }
                _ => return Verdict::Proceed,
            };
        }
    }

    fn tag() -> impl Strategy<Value = EntityTag> {
        ("[ab]", any::<bool>()).prop_map(|(opaque, weak)| {
            let prefix = if weak { "W/" } else { "" };
            let text = format!("{prefix}\"{opaque}\"");
            EntityTag::parse_list(text.as_bytes()).unwrap().remove(0)
        })
    }

    fn condition() -> impl Strategy<Value = Option<Condition>> {
        prop_oneof![
            Just(None),
            Just(Some(Condition::Any)),
            prop::collection::vec(tag(), 1..3).prop_map(|tags| Some(Condition::Tags(tags))),
        ]
    }

    fn date() -> impl Strategy<Value = Option<Moment>> {
        prop::option::of((0..5u64).prop_map(|second| Moment(second * 1000)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn evaluation_agrees_with_a_literal_reading(
            if_match in condition(),
            if_none_match in condition(),
            if_unmodified_since in date(),
            if_modified_since in date(),
            current in prop::option::of((tag(), 0..5000u64, any::<bool>())),
            is_read in any::<bool>(),
        ) {
            let conditions =
                Preconditions { if_match, if_none_match, if_unmodified_since, if_modified_since };
            let current = current.map(|(tag, ms, shares_its_second)| Selected {
                tag,
                modified: Moment(ms),
                shares_its_second,
            });
            prop_assert_eq!(
                evaluate(&conditions, current.as_ref(), is_read),
                literally(&conditions, current.as_ref(), is_read)
            );
        }
    }
}
