//! The segments of a path, percent-encoded (RFC 3986, section 2.1) in one way: two spellings of a
//! name are one name.

use std::borrow::Cow;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode,
};

/// What is encoded: all but the unreserved characters, `@` and `:`. The others that a segment may
/// hold (section 3.3) mean something to shells, to header fields, or to servers on the way.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b':');

/// What no URI has (RFC 3986, section 2), nor a path.
const NEVER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path in the spelling of its client, as a reference.
pub(crate) fn reference(path: &str) -> Cow<'_, str> {
    utf8_percent_encode(path, NEVER).into()
}

/// Adds a name to a path.
pub(crate) fn push_segment(path: &mut String, name: &str) {
    path.extend(utf8_percent_encode(name, ENCODED));
}

/// The name that a segment spells; `None` if it is no UTF-8.
pub(crate) fn decode_segment(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

/// A path in the spelling of this server's own links, whichever way it was written.
pub(crate) fn respell(path: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~@:".contains(&byte);
    if path.bytes().all(is_plain) {
        return Cow::Borrowed(path);
    }
    let mut respelled = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            respelled.push('/');
        }
        let bytes: Cow<'_, [u8]> = percent_decode_str(segment).into();
        respelled.extend(percent_encode(&bytes, ENCODED));
    }
    Cow::Owned(respelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_becomes_one() {
        let cases = [
            ("/api/notes/1", "/api/notes/1"),
            ("/api/notes/bob%40example.com", "/api/notes/bob@example.com"),
            ("/api/notes/a%3Ab", "/api/notes/a:b"),
            ("/api/notes/café", "/api/notes/caf%C3%A9"),
            ("/api/notes/caf%c3%a9", "/api/notes/caf%C3%A9"),
            ("/api/n%6Ftes/a+b;c", "/api/notes/a%2Bb%3Bc"),
            ("/api/notes/a%2Fb", "/api/notes/a%2Fb"),
            ("/api/notes/%FF", "/api/notes/%FF"),
            ("/api/notes/100%", "/api/notes/100%25"),
            ("/api/notes/%2E%2E", "/api/notes/.."),
        ];
        for (path, expected) in cases {
            assert_eq!(respell(path), expected, "{path}");
            assert_eq!(respell(expected), expected, "{path}, twice");
        }
    }

    #[test]
    fn what_a_client_wrote_is_only_mended() {
        let cases = [
            ("/api/notes/a%3ab", "/api/notes/a%3ab"),
            ("/api/notes/a+b", "/api/notes/a+b"),
            ("/api/notes/café ?", "/api/notes/caf%C3%A9%20%3F"),
        ];
        for (path, expected) in cases {
            assert_eq!(reference(path), expected);
        }
    }

    #[test]
    fn a_name_comes_back_from_its_segment() {
        for name in [
            "a",
            "bob@example.com",
            "with space",
            "café",
            "100%",
            "a?b#c",
            "a\"<>'b",
        ] {
            let mut segment = String::new();
            push_segment(&mut segment, name);
            assert!(segment.bytes().all(|it| it.is_ascii_graphic()), "{segment}");
            assert_eq!(decode_segment(&segment).as_deref(), Some(name), "{segment}");
        }
        assert_eq!(decode_segment("%FF"), None);
    }
}
