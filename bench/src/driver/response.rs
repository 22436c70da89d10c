//! The head of a response.

use anyhow::{Context, Result, bail, ensure};

use super::tag::Tag;

/// What the driver needs to know of a response; the other fields are skipped unread.
pub(crate) struct Head {
    pub status: u16,
    /// `ETag`; or `Merged-ETag`, where the body is not what was sent.
    pub tag: Option<Tag>,
    /// Bytes up to and including the empty line.
    pub head_bytes: usize,
    pub body_bytes: usize,
}

/// Reads the head at the start of `bytes`; `None` if it has not all arrived.
///
/// # Errors
///
/// When the bytes are no HTTP/1.1 response, or one whose end `Content-Length` does not tell.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let Some((status_line, mut rest)) = split_line(bytes) else {
        return Ok(None);
    };
    let status = parse_status(status_line)?;
    let mut tag = None;
    let mut length = None;
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        if line.is_empty() {
            return Ok(Some(Head {
                status,
                tag,
                head_bytes: bytes.len() - rest.len(),
                body_bytes: body_bytes(status, length)?,
            }));
        }
        match field(line) {
            Some(Field::ETag(value)) => tag = Some(Tag::new(value)?),
            Some(Field::ContentLength(value)) => length = Some(parse_length(value)?),
            Some(Field::TransferEncoding) => bail!("a chunked response: its length was not known"),
            None => {}
        }
    }
    Ok(None)
}

enum Field<'a> {
    ETag(&'a [u8]),
    ContentLength(&'a [u8]),
    TransferEncoding,
}

/// Tells the fields of interest apart by the length of their names first: most lines cost one comparison.
fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    match colon {
        4 if name.eq_ignore_ascii_case(b"etag") => Some(Field::ETag(value)),
        11 if name.eq_ignore_ascii_case(b"merged-etag") => Some(Field::ETag(value)),
        14 if name.eq_ignore_ascii_case(b"content-length") => Some(Field::ContentLength(value)),
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => Some(Field::TransferEncoding),
        _ => None,
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..]))
}

fn parse_status(line: &[u8]) -> Result<u16> {
    let digits = line
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let Some(digits) = digits else {
        bail!("no HTTP/1.1 status line: {}", line.escape_ascii());
    };
    Ok(digits
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

fn parse_length(value: &[u8]) -> Result<usize> {
    ensure!(
        !value.is_empty() && value.iter().all(u8::is_ascii_digit),
        "a Content-Length of {}",
        value.escape_ascii()
    );
    Ok(std::str::from_utf8(value)?.parse()?)
}

/// The length of the body (RFC 9112, section 6.3): 204 and 304 have none, whatever their fields say.
fn body_bytes(status: u16, length: Option<usize>) -> Result<usize> {
    match status {
        100..=199 => bail!("an interim response, {status}, that was not asked for"),
        204 | 304 => Ok(0),
        _ => length.with_context(|| format!("a {status} without Content-Length")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Head {
        parse(text.as_bytes())
            .unwrap_or_else(|error| panic!("{text:?}: {error}"))
            .unwrap_or_else(|| panic!("{text:?} is not whole"))
    }

    #[test]
    fn whole_heads() {
        let cases = [
            // (response, status, tag, length of its body)
            (
                "HTTP/1.1 200 OK\r\netag: \"7-a\"\r\ncontent-length: 2\r\n\r\n",
                200,
                Some("\"7-a\""),
                2,
            ),
            (
                "HTTP/1.1 201 Created\r\nContent-Length:0\r\nETag:\t\"1-b\" \r\n\r\n",
                201,
                Some("\"1-b\""),
                0,
            ),
            (
                "HTTP/1.1 409 \r\nCONTENT-LENGTH: 12\r\nx-etag: no\r\n\r\n",
                409,
                None,
                12,
            ),
            (
                "HTTP/1.1 304 Not Modified\r\ncontent-length: 1024\r\n\r\n",
                304,
                None,
                0,
            ),
            (
                "HTTP/1.1 200 OK\r\nmerged-etag: \"9-c\"\r\ncontent-length: 2\r\n\r\n",
                200,
                Some("\"9-c\""),
                2,
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, None, 0),
        ];
        for (text, status, tag, body_bytes) in cases {
            let head = parsed(text);
            assert_eq!(head.status, status, "{text:?}");
            assert_eq!(
                head.tag.as_ref().map(Tag::as_bytes),
                tag.map(str::as_bytes),
                "{text:?}"
            );
            assert_eq!(head.head_bytes, text.len(), "{text:?}");
            assert_eq!(head.body_bytes, body_bytes, "{text:?}");
        }
    }

    #[test]
    fn a_head_cut_short_anywhere_is_waited_for() {
        let text = "HTTP/1.1 200 OK\r\netag: \"7-a\"\r\ncontent-length: 2\r\n\r\n";
        for end in 0..text.len() {
            let head = parse(&text.as_bytes()[..end]).expect("it is the start of a good one");
            assert!(head.is_none(), "{:?}", &text[..end]);
        }
    }

    #[test]
    fn the_body_is_not_part_of_the_head() {
        let head = parsed("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\":\n\n1}");
        assert_eq!(head.head_bytes, 38);
        assert_eq!(head.body_bytes, 9);
    }

    #[test]
    fn what_cannot_be_framed_is_refused() {
        let cases = [
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        ];
        for text in cases {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
