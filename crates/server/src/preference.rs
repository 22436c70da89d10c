use axum::http::{HeaderMap, HeaderName};

use detente_service::{OnCollision, OnConflict};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a client would rather have (RFC 7240). What is not known is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// `return=minimal`: no representation in the answer to a write.
    pub(crate) minimal: bool,
    /// `conflict=merge` or `conflict=reject`: what is to become of a stale write.
    pub(crate) on_conflict: Option<OnConflict>,
}

impl Preferences {
    /// What is to become of a file that collides with another: `conflict=copy` or `conflict=merge`.
    pub(crate) fn on_collision(headers: &HeaderMap) -> OnCollision {
        match preferred(headers, "conflict").as_deref() {
            Some("copy") => OnCollision::Copy,
            Some("merge") => OnCollision::Join,
            _ => OnCollision::Refuse,
        }
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(PREFER) {
            return Self::default();
        }
        let conflict = preferred(headers, "conflict");
        Self {
            minimal: preferred(headers, "return").as_deref() == Some("minimal"),
            on_conflict: match conflict.as_deref() {
                Some("merge") => Some(OnConflict::Merge),
                Some("reject") => Some(OnConflict::Reject),
                _ => None,
            },
        }
    }

    /// The preferences that were followed, as a field value; `None` if there were none to follow.
    pub(crate) fn applied(self, is_minimal: bool) -> Option<&'static str> {
        match (is_minimal && self.minimal, self.on_conflict) {
            (false, None) => None,
            (true, None) => Some("return=minimal"),
            (false, Some(OnConflict::Merge)) => Some("conflict=merge"),
            (false, Some(OnConflict::Reject)) => Some("conflict=reject"),
            (true, Some(OnConflict::Merge)) => Some("return=minimal, conflict=merge"),
            (true, Some(OnConflict::Reject)) => Some("return=minimal, conflict=reject"),
        }
    }
}

/// The value of a preference; the first of several counts (section 2).
fn preferred(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let lines = headers.get_all(PREFER).into_iter();
    let lines = lines.filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .find_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            let is_it = name.trim().eq_ignore_ascii_case(wanted);
            is_it.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_and_the_first_counts() {
        use OnConflict::{Merge, Reject};
        let cases: &[(&[&str], bool, Option<OnConflict>)] = &[
            (&[], false, None),
            (&["return=minimal"], true, None),
            (
                &["respond-async, Return = \"minimal\"; x=1, conflict=merge"],
                true,
                Some(Merge),
            ),
            (&["return=representation", "return=minimal"], false, None),
            (&["return"], false, None),
            (
                &["handling=lenient", "conflict=reject, conflict=merge"],
                false,
                Some(Reject),
            ),
            (&["conflict=guess"], false, None),
        ];
        for (lines, minimal, on_conflict) in cases {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append("prefer", line.parse().unwrap());
            }
            let expected = Preferences {
                minimal: *minimal,
                on_conflict: *on_conflict,
            };
            assert_eq!(Preferences::of(&headers), expected, "{lines:?}");
        }
    }
}
