//! An entity tag of fixed size.

use anyhow::{Result, ensure};

/// The longest entity tag kept, quotes included.
const CAPACITY: usize = 47;

/// An entity tag as it stood in the header, quotes included.
///
/// Of fixed size, so that a million of them are one allocation of 48 MB and learning one copies bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    length: u8,
    bytes: [u8; CAPACITY],
}

impl Tag {
    /// Stands for the document whose tag is not known yet.
    pub(crate) const NONE: Tag = Tag {
        length: 0,
        bytes: [0; CAPACITY],
    };

    /// # Errors
    ///
    /// When the field value is longer than any tag this program has room for.
    pub(crate) fn new(field: &[u8]) -> Result<Tag> {
        ensure!(
            field.len() <= CAPACITY,
            "an entity tag of {} bytes, over the {CAPACITY} there is room for",
            field.len()
        );
        let mut tag = Tag::NONE;
        tag.length = field.len() as u8;
        tag.bytes[..field.len()].copy_from_slice(field);
        Ok(tag)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_its_bytes() {
        let tag = Tag::new(br#""7-1f3a9c02""#).expect("it is short");
        assert_eq!(tag.as_bytes(), br#""7-1f3a9c02""#);
    }

    #[test]
    fn a_tag_without_room_is_refused_and_not_cut() {
        assert!(Tag::new(&[b'x'; CAPACITY]).is_ok());
        assert!(Tag::new(&[b'x'; CAPACITY + 1]).is_err());
    }
}
