use std::fmt::Write as _;

use http::Method;

use crate::request::Request;

use super::redact;

/// A command that sends the same request; secrets are variables of the shell, to be set before.
pub(super) fn command(request: &Request) -> String {
    // With -X HEAD it would wait for a body.
    let method = match request.method {
        Method::HEAD => "--head".to_owned(),
        _ => format!("-X {}", request.method),
    };
    let mut command = format!("curl -si {method} {}", quoted(request.url.as_str()));
    for (name, value) in &request.headers {
        let field = if redact::is_secret(name.as_str()) {
            // Double quotes, so that the shell puts it in.
            format!("\"{name}: {}\"", redact::placeholder(name.as_str()))
        } else {
            quoted(&format!(
                "{name}: {}",
                String::from_utf8_lossy(value.as_bytes())
            ))
        };
        let _ = write!(command, " -H {field}");
    }
    if !request.body.is_empty() {
        match std::str::from_utf8(&request.body) {
            Ok(text) => {
                let _ = write!(command, " --data-binary {}", quoted(text));
            }
            Err(_) => command.push_str(" --data-binary @body"),
        }
    }
    command
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_request_is_one_line_for_a_shell() {
        let url = "http://127.0.0.1:8080/a?b=c'd"
            .parse()
            .expect("it is a URL");
        let mut request = Request::new(Method::PUT, url)
            .with(header::IF_MATCH, HeaderValue::from_static("\"7\""))
            .with(
                header::AUTHORIZATION,
                HeaderValue::from_static("Bearer secret"),
            );
        request.body = "it's".into();
        assert_eq!(
            command(&request),
            r#"curl -si -X PUT 'http://127.0.0.1:8080/a?b=c%27d' -H 'if-match: "7"' -H "authorization: $AUTHORIZATION" --data-binary 'it'\''s'"#
        );
    }
}
