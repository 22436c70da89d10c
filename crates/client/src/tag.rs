use std::fmt;

use reqwest::header::HeaderValue;

/// The validator of a version, as the server sent it (RFC 9110, section 8.8.3).
///
/// It is sent back byte for byte and never parsed, so even a server that forgets the quotes
/// recognises its own tag.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(HeaderValue);

impl Tag {
    /// A tag from stored text; `None` if the text is not valid in a header field.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        if text.is_empty() {
            return None;
        }
        HeaderValue::from_str(text).ok().map(Self)
    }

    pub(crate) fn of(value: &HeaderValue) -> Option<Self> {
        (!value.is_empty()).then(|| Self(value.clone()))
    }

    pub(crate) fn as_header(&self) -> &HeaderValue {
        &self.0
    }

    /// A weak tag (`W/"…"`) never satisfies `If-Match` on a server that follows RFC 9110,
    /// section 13.1.1.
    pub fn is_weak(&self) -> bool {
        self.0.as_bytes().starts_with(b"W/")
    }
}

/// As a field value, with its quotes.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0.as_bytes()))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_they_were_sent() {
        for (text, weak) in [
            (r#""7-1f""#, false),
            (r#"W/"7""#, true),
            ("unquoted", false),
        ] {
            let tag = Tag::new(text).unwrap();
            assert_eq!((tag.to_string().as_str(), tag.is_weak()), (text, weak));
        }
        for text in ["", " ", "\"a\nb\""] {
            assert_eq!(Tag::new(text), None, "{text:?}");
        }
    }
}
