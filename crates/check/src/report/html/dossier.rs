use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderMap;

use crate::model::{Exchange, Reply};
use crate::report::{curl, redact};

use super::escape::Text;
use super::figure;
use super::mark::{self, Mark};

/// How much of a body is shown of what is evidence, and of what is not.
pub(super) const EVIDENCE_BYTES: usize = 4096;
pub(super) const OTHER_BYTES: usize = 1024;

/// An exchange to read: request beside response, when it was, and how to send it again.
///
/// The id is on what is inside of `details`, so that a link to it opens it without any script.
pub(super) fn details(
    name: &str,
    note: Option<&str>,
    exchange: &Exchange,
    most_bytes: usize,
) -> String {
    let mark = Mark::of(exchange);
    let mut html = format!(
        "<details class=\"exchange {}\"><summary>{}</summary><div class=\"dossier\" id=\"{name}\" tabindex=\"-1\">",
        mark.class,
        summary(note, exchange)
    );
    times(&mut html, exchange);
    let request = &exchange.request;
    let line = format!("{} {}", request.method, mark::path(exchange));
    html.push_str("<div class=\"pair\">");
    message(
        &mut html,
        "Request",
        &line,
        Some(exchange),
        &request.headers,
        &request.body,
        most_bytes,
    );
    match &exchange.reply {
        Reply::Received(response) => {
            let status = response.status;
            let line = format!(
                "{} {}",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default()
            );
            message(
                &mut html,
                "Response",
                &line,
                None,
                &response.headers,
                &response.body,
                most_bytes,
            );
        }
        Reply::Missing(unsure) => {
            let _ = write!(
                html,
                "<section><h5>No response</h5><p class=\"note\">{}. It may have been applied.</p></section>",
                Text(&capitalised(&unsure.to_string()))
            );
        }
    }
    html.push_str("</div>");
    command(&mut html, exchange, most_bytes);
    html.push_str("</div></details>\n");
    html
}

/// One line: number, who, what, what came of it; then the tags, and what it shows.
pub(super) fn summary(note: Option<&str>, exchange: &Exchange) -> String {
    let mark = Mark::of(exchange);
    let mut html = format!(
        "<span class=\"number\">{}</span><span class=\"who\">{}</span><span class=\"line\"><code>{} {}</code>",
        exchange.number,
        Text(&exchange.actor),
        exchange.request.method,
        Text(&mark::path(exchange)),
    );
    if let Some(tag) = super::book::sent_tag(exchange) {
        let _ = write!(html, " <code class=\"tag\">If-Match: {}</code>", Text(tag));
    }
    let _ = write!(
        html,
        "</span><span class=\"came {}\" title=\"{}\"><svg class=\"sign\" width=\"10\" height=\"10\" aria-hidden=\"true\">\
         <use href=\"#sign-{}\"/></svg>{}",
        mark.class,
        mark.word,
        mark.class,
        Text(&mark::status(exchange)),
    );
    if let Some(tag) = super::book::told_tag(exchange) {
        let _ = write!(html, " <code class=\"tag\">{}</code>", Text(tag));
    }
    html.push_str("</span>");
    if let Some(note) = note {
        let _ = write!(html, "<span class=\"note\">{}</span>", Text(note));
    }
    html
}

fn times(html: &mut String, exchange: &Exchange) {
    let protocol = super::masthead::protocol_name(exchange.protocol);
    let _ = write!(
        html,
        "<p class=\"times\">{protocol}; begun {} into the run; last byte left after {}; {} after {}</p>",
        figure::time(exchange.begun),
        figure::time(exchange.released.saturating_sub(exchange.begun)),
        if exchange.response().is_some() {
            "answered"
        } else {
            "given up"
        },
        figure::time(exchange.ended.saturating_sub(exchange.begun)),
    );
}

fn message(
    html: &mut String,
    name: &str,
    line: &str,
    sent: Option<&Exchange>,
    headers: &HeaderMap,
    body: &Bytes,
    most_bytes: usize,
) {
    let _ = writeln!(html, "<section><h5>{name}</h5><pre><b>{}</b>", Text(line));
    if let Some(exchange) = sent {
        let url = &exchange.request.url;
        let _ = writeln!(
            html,
            "<i>host:</i> {}",
            Text(&url[url::Position::BeforeHost..url::Position::AfterPort])
        );
    }
    for (name, value) in redact::fields(headers) {
        let _ = writeln!(html, "<i>{}:</i> {}", Text(&name), Text(&value));
    }
    let (text, remark) = shown(body, most_bytes);
    if !text.is_empty() {
        let _ = write!(html, "\n{}", Text(text));
    }
    html.push_str("</pre>");
    if let Some(remark) = remark {
        let _ = write!(html, "<p class=\"note\">{remark}</p>");
    }
    html.push_str("</section>");
}

/// So much of a body as is shown, and what has to be said of it.
fn shown(body: &[u8], most: usize) -> (&str, Option<String>) {
    let start = &body[..body.len().min(most)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // A character may have been cut through.
        Err(error) if error.error_len().is_none() && start.len() < body.len() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => {
            let size = figure::plural(body.len(), "byte");
            return ("", Some(format!("{size} that are not text.")));
        }
    };
    let remark = (text.len() < body.len()).then(|| {
        format!(
            "Cut here: the first {} of {}.",
            figure::count(text.len()),
            figure::plural(body.len(), "byte")
        )
    });
    (text, remark)
}

fn command(html: &mut String, exchange: &Exchange, most_bytes: usize) {
    let command = if exchange.request.body.len() <= most_bytes {
        curl::command(&exchange.request)
    } else {
        // Half a body would be another request.
        let mut request = exchange.request.clone();
        request.body = Bytes::new();
        format!("{} --data-binary @body", curl::command(&request))
    };
    html.push_str(&commands("The same request, as it was sent then", &command));
}

/// Lines for a shell, to be copied.
pub(super) fn commands(label: &str, lines: &str) -> String {
    format!(
        "<div class=\"curl\"><code tabindex=\"0\" aria-label=\"{label}\">{}</code>\
         <button type=\"button\" class=\"copy\" hidden>Copy</button></div>",
        Text(lines)
    )
}

/// With a capital letter, as a sentence begins.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_between_characters_and_says_so() {
        let cases: [(&[u8], usize, &str, Option<&str>); 5] = [
            (b"", 4, "", None),
            (b"abcd", 4, "abcd", None),
            (
                b"abcde",
                4,
                "abcd",
                Some("Cut here: the first 4 of 5 bytes."),
            ),
            (
                "abc\u{e9}".as_bytes(),
                4,
                "abc",
                Some("Cut here: the first 3 of 5 bytes."),
            ),
            (b"\xff\xfe", 4, "", Some("2 bytes that are not text.")),
        ];
        for (body, most, text, remark) in cases {
            let expected = (text, remark.map(str::to_owned));
            assert_eq!(shown(body, most), expected, "{body:?}");
        }
    }
}
