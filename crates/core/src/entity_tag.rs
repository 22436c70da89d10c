use std::fmt;

/// An entity tag (RFC 9110, section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    weak: bool,
    opaque: Box<str>,
}

/// A field value that does not match its grammar; `offset` counts bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}, {message}")]
pub struct Malformed {
    pub offset: usize,
    pub message: &'static str,
}

impl EntityTag {
    /// A strong tag. `opaque` must consist of etagc (no quote, no white space, no control
    /// character).
    pub fn strong(opaque: &str) -> Self {
        debug_assert!(opaque.bytes().all(is_etagc), "{opaque:?} is no opaque tag");
        Self {
            weak: false,
            opaque: opaque.into(),
        }
    }

    /// Whether the tag is weak (`W/"…"`).
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// The text between the quotes.
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    /// As a field value, with its quotes; the same as `to_string`, but faster.
    pub fn to_field(&self) -> String {
        let mut field = String::with_capacity(self.opaque.len() + 4);
        field.push_str(if self.weak { "W/\"" } else { "\"" });
        field.push_str(&self.opaque);
        field.push('"');
        field
    }

    /// Strong comparison (section 8.8.3.2): equal, and neither is weak.
    pub fn strong_eq(&self, other: &Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison (section 8.8.3.2): equal opaque parts.
    pub fn weak_eq(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }

    /// The tag of the same representation under a content coding.
    #[must_use]
    pub fn with_coding(&self, coding: &str) -> Self {
        Self {
            weak: self.weak,
            opaque: format!("{}+{coding}", self.opaque).into(),
        }
    }

    /// The same tag with only the first `length` bytes of its opaque part.
    #[must_use]
    pub(crate) fn cut(self, length: usize) -> Self {
        let opaque = self.opaque[..length].into();
        Self { opaque, ..self }
    }

    /// Reads `1#entity-tag`; empty list elements are skipped (section 5.6.1.2).
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is anything else, or contains no tag.
    pub fn parse_list(value: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut reader = Reader { value, at: 0 };
        let mut tags = Vec::new();
        loop {
            reader.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
            if reader.peek().is_none() {
                break;
            }
            tags.push(reader.tag()?);
            reader.skip(|byte| matches!(byte, b' ' | b'\t'));
            if !matches!(reader.peek(), None | Some(b',')) {
                return Err(reader.fail("there must be a comma between entity tags"));
            }
        }
        if tags.is_empty() {
            return Err(reader.fail("there must be an entity tag, such as \"1-6c5e\""));
        }
        Ok(tags)
    }
}

/// As a field value, with its quotes.
impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_field())
    }
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn fail(&self, message: &'static str) -> Malformed {
        Malformed {
            offset: self.at,
            message,
        }
    }

    fn tag(&mut self) -> Result<EntityTag, Malformed> {
        let weak = self.value[self.at..].starts_with(b"W/");
        self.at += if weak { 2 } else { 0 };
        if self.peek() != Some(b'"') {
            return Err(self.fail("an entity tag must be in double quotes, such as \"1-6c5e\""));
        }
        self.at += 1;
        let start = self.at;
        self.skip(is_etagc);
        if self.peek() != Some(b'"') {
            return Err(self.fail("an entity tag must end with a double quote"));
        }
        let opaque = &self.value[start..self.at];
        self.at += 1;
        // obs-text need not be UTF-8. No tag of ours contains any, so a replacement is unequal to
        // them too.
        let opaque = String::from_utf8_lossy(opaque).into();
        Ok(EntityTag { weak, opaque })
    }
}

fn is_etagc(byte: u8) -> bool {
    byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags() {
        let cases: &[(&[u8], &[&str])] = &[
            (br#""a""#, &[r#""a""#]),
            (br#"W/"a""#, &[r#"W/"a""#]),
            (br#""""#, &[r#""""#]),
            (br#" "a" ,, W/"b,c" , "#, &[r#""a""#, r#"W/"b,c""#]),
            (b"\"\x21\x7e\"", &["\"!~\""]),
        ];
        for (value, expected) in cases {
            let tags = EntityTag::parse_list(value).unwrap();
            let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
            assert_eq!(tags, *expected, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn malformed_lists_name_the_byte() {
        let cases: &[(&[u8], usize)] = &[
            (b"", 0),
            (b" , ", 3),
            (b"a", 0),
            (br#""a"#, 2),
            (br#""a""b""#, 3),
            (br#"w/"a""#, 0),
            (br#"W/a"#, 2),
            (br#""a b""#, 2),
            (b"\"a\", *", 5),
            (b"\"a\x00\"", 2),
        ];
        for (value, offset) in cases {
            let text = String::from_utf8_lossy(value);
            assert_eq!(
                EntityTag::parse_list(value).unwrap_err().offset,
                *offset,
                "{text}"
            );
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let mistake = EntityTag::parse_list(b"1-6c5e").unwrap_err();
        let told = "at byte 0, an entity tag must be in double quotes, such as \"1-6c5e\"";
        assert_eq!(mistake.to_string(), told);
    }

    /// The table of RFC 9110, section 8.8.3.2.
    #[test]
    fn comparisons_of_the_standard() {
        let cases = [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ];
        for (a, b, strong, weak) in cases {
            let one = |text: &str| EntityTag::parse_list(text.as_bytes()).unwrap().remove(0);
            assert_eq!(one(a).strong_eq(&one(b)), strong, "{a} {b}");
            assert_eq!(one(a).weak_eq(&one(b)), weak, "{a} {b}");
        }
    }

    #[test]
    fn a_coding_is_part_of_the_tag() {
        let tag = EntityTag::strong("7-1f").with_coding("gzip");
        assert_eq!(tag.to_string(), r#""7-1f+gzip""#);
    }
}
