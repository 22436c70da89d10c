use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::book::{Book, Entry, same_url, sent_tag, told_tag};
use super::escape::{Text, Value};
use super::mark;

/// A tag that was sent or told, and another that was there.
struct Mismatch<'a> {
    place: Entry,
    /// `sent in If-Match`
    how: &'static str,
    tag: &'a str,
    there: &'a str,
    /// Which exchange told it.
    by: Entry,
}

/// Tags that differ, side by side; nothing if none do.
pub(super) fn table(book: &Book, evidence: &BTreeSet<Entry>, detailed: &BTreeSet<Entry>) -> String {
    let mismatches = mismatches(book, evidence);
    if mismatches.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<div class=\"scroll\"><table class=\"tags\"><caption>Entity tags that differ</caption><thead><tr>\
         <th scope=\"col\">Exchange</th><th scope=\"col\">What was sent</th><th scope=\"col\">What was there</th>\
         <th scope=\"col\">Known from</th></tr></thead><tbody>\n",
    );
    for it in mismatches {
        let (sent, there) = differing(it.tag, it.there);
        let exchange = book.exchange(it.place);
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{} <span class=\"who\">{}</span></th><td><code>{sent}</code> <small>{}</small></td>\
             <td><code>{there}</code></td><td>{} <small>{}</small></td></tr>",
            link(book, it.place, detailed),
            Text(&exchange.actor),
            it.how,
            link(book, it.by, detailed),
            Text(&format!(
                "{} {}",
                book.exchange(it.by).request.method,
                mark::status(book.exchange(it.by))
            )),
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn mismatches<'a>(book: &Book<'a>, evidence: &BTreeSet<Entry>) -> Vec<Mismatch<'a>> {
    let mut found = Vec::new();
    for place in evidence.iter().copied() {
        let exchange = book.exchange(place);
        if let Some(tag) = sent_tag(exchange)
            && let Some(by) = book.current(place)
            && let Some(there) = told_tag(book.exchange(by))
            && tag != there
            && tag != "*"
        {
            found.push(Mismatch {
                place,
                how: "in If-Match",
                tag,
                there,
                by,
            });
        }
        if mark::is_write(exchange)
            && exchange.is_accepted()
            && let Some(tag) = told_tag(exchange)
            && let Some(by) = next_read(book, evidence, place)
            && let Some(there) = told_tag(book.exchange(by))
            && tag != there
        {
            found.push(Mismatch {
                place,
                how: "told on the answer",
                tag,
                there,
                by,
            });
        }
    }
    found
}

/// The read in the evidence that follows a write, if no other write can have come in between.
fn next_read(book: &Book, evidence: &BTreeSet<Entry>, write: Entry) -> Option<Entry> {
    let written = book.exchange(write);
    let read = evidence.iter().copied().find(|place| {
        let read = book.exchange(*place);
        read.begun >= written.ended
            && !mark::is_write(read)
            && read.is_accepted()
            && same_url(read, written)
    })?;
    let is_alone = book
        .during(written.begun, book.exchange(read).begun)
        .all(|place| {
            let other = book.exchange(place);
            place == write
                || !mark::is_write(other)
                || other.is_refused()
                || !same_url(other, written)
        });
    is_alone.then_some(read)
}

/// A link to the details, where there are any.
pub(super) fn link(book: &Book, place: Entry, detailed: &BTreeSet<Entry>) -> String {
    let number = book.exchange(place).number;
    if detailed.contains(&place) {
        format!(
            "<a class=\"number\" href=\"#{}\">{number}</a>",
            Value(book.name(place))
        )
    } else {
        format!("<span class=\"number\">{number}</span>")
    }
}

/// Both with what differs marked.
///
/// Of equal length they are compared character by character; otherwise all between what they begin and end with alike.
fn differing(one: &str, other: &str) -> (String, String) {
    // A tag that is weak beside one that is strong: the rest of them is compared all the same.
    match (one.strip_prefix("W/"), other.strip_prefix("W/")) {
        (Some(one), None) => {
            let (one, other) = differing(one, other);
            return (format!("<mark>W/</mark>{one}"), other);
        }
        (None, Some(_)) => {
            let (other, one) = differing(other, one);
            return (one, other);
        }
        _ => {}
    }
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    if one.len() == other.len() {
        let differs: Vec<bool> = one.iter().zip(&other).map(|(a, b)| a != b).collect();
        return (marked(&one, &differs), marked(&other, &differs));
    }
    let before = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let most = one.len().min(other.len()) - before;
    let after = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let between = |chars: &[char]| {
        let differs: Vec<bool> = (0..chars.len())
            .map(|place| place >= before && place < chars.len() - after)
            .collect();
        marked(chars, &differs)
    };
    (between(&one), between(&other))
}

fn marked(chars: &[char], differs: &[bool]) -> String {
    let mut html = String::new();
    let mut from = 0;
    while from < chars.len() {
        let run = differs[from..]
            .iter()
            .take_while(|it| **it == differs[from])
            .count();
        let text: String = chars[from..from + run].iter().collect();
        let _ = if differs[from] {
            write!(html, "<mark>{}</mark>", Text(&text))
        } else {
            write!(html, "{}", Text(&text))
        };
        from += run;
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_marked() {
        let cases = [
            // (one, other, one marked, other marked)
            (
                "\"a1b\"",
                "\"a2b\"",
                "\"a<mark>1</mark>b\"",
                "\"a<mark>2</mark>b\"",
            ),
            ("\"1\"", "\"12\"", "\"1\"", "\"1<mark>2</mark>\""),
            ("\"1\"", "W/\"1\"", "\"1\"", "<mark>W/</mark>\"1\""),
            (
                "W/\"1\"",
                "\"2\"",
                "<mark>W/</mark>\"<mark>1</mark>\"",
                "\"<mark>2</mark>\"",
            ),
            ("<", ">>", "<mark>&lt;</mark>", "<mark>&gt;&gt;</mark>"),
            ("", "a", "", "<mark>a</mark>"),
            ("aa", "a", "a<mark>a</mark>", "a"),
        ];
        for (one, other, first, second) in cases {
            let expected = (first.to_owned(), second.to_owned());
            assert_eq!(differing(one, other), expected, "{one} beside {other}");
        }
    }
}
