use axum::http::{HeaderMap, header};
use detente_core::{EntityTag, Stored, VersionTag};

/// Which part of a content is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// So many bytes from a place on.
    Of(u64, u64),
    /// It lies behind the end.
    None,
}

/// What Range asks for of so many bytes. Several ranges, and other units, are passed over, as RFC 9110 allows
/// (section 14.2).
pub(super) fn part(headers: &HeaderMap, stored: &Stored, size: u64) -> Part {
    let value = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    match value.and_then(|value| value.trim().strip_prefix("bytes=")) {
        Some(range) if is_current(headers, stored) => of(range, size).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

/// Whether the version is the one that If-Range names (section 13.1.5). Two versions may have one date, so a
/// date names none.
fn is_current(headers: &HeaderMap, stored: &Stored) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else {
        return true;
    };
    let tags = EntityTag::parse_list(value.as_bytes()).unwrap_or_default();
    let ours = stored.head().tag().to_entity_tag();
    let is_ours = |tag: EntityTag| VersionTag::without_suffix(tag).strong_eq(&ours);
    tags.len() == 1 && tags.into_iter().all(is_ours)
}

fn of(range: &str, size: u64) -> Option<Part> {
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let is_digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        // A number that is too large is behind the end.
        is_digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => None,
        (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => {
            Some(Part::None)
        }
        (Some(first), Some(last)) => {
            let end = last.min(size - 1);
            Some(Part::Of(first, end - first + 1))
        }
        (Some(first), None) if last.is_empty() => Some(Part::Of(first, size - first)),
        (None, Some(0)) if first.is_empty() => Some(Part::None),
        (None, Some(_)) if first.is_empty() && size == 0 => Some(Part::None),
        (None, Some(length)) if first.is_empty() => {
            let length = length.min(size);
            Some(Part::Of(size - length, length))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_within_the_content() {
        let cases = [
            ("0-0", 10, Some(Part::Of(0, 1))),
            ("2-4", 10, Some(Part::Of(2, 3))),
            ("2-", 10, Some(Part::Of(2, 8))),
            ("2-99999999999999999999", 10, Some(Part::Of(2, 8))),
            ("-3", 10, Some(Part::Of(7, 3))),
            ("-30", 10, Some(Part::Of(0, 10))),
            ("-0", 10, Some(Part::None)),
            ("10-", 10, Some(Part::None)),
            ("10-12", 10, Some(Part::None)),
            ("0-", 0, Some(Part::None)),
            ("-1", 0, Some(Part::None)),
            ("4-2", 10, None),
            ("0-1,3-4", 10, None),
            ("a-b", 10, None),
            ("-", 10, None),
            ("", 10, None),
        ];
        for (range, size, expected) in cases {
            assert_eq!(of(range, size), expected, "{range} of {size}");
        }
    }
}
