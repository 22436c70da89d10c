use axum::http::HeaderMap;

/// What a client would rather have (RFC 7240). What is not known is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// `return=minimal`: no representation in the answer to a write.
    pub(crate) minimal: bool,
}

impl Preferences {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers
            .get_all("prefer")
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let preferences = lines.flat_map(|line| line.split(','));
        // The first of several for one thing counts (section 2).
        let wanted = preferences
            .filter_map(|preference| {
                let (name, value) = preference.split(';').next()?.split_once('=')?;
                let is_return = name.trim().eq_ignore_ascii_case("return");
                is_return.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
            })
            .next();
        Self {
            minimal: wanted.as_deref() == Some("minimal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_and_the_first_counts() {
        let cases: &[(&[&str], bool)] = &[
            (&[], false),
            (&["return=minimal"], true),
            (&["respond-async, Return = \"minimal\"; x=1"], true),
            (&["return=representation", "return=minimal"], false),
            (&["return"], false),
            (&["handling=lenient", "return=minimal"], true),
        ];
        for (lines, minimal) in cases {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append("prefer", line.parse().unwrap());
            }
            assert_eq!(Preferences::of(&headers).minimal, *minimal, "{lines:?}");
        }
    }
}
