use std::fmt::Write as _;

use http::Method;

use super::redact;
use super::shell::Word;
use crate::model::Request;

/// What of a request is said by variables of the shell: values, and the variable for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    /// In its URL and in its body.
    pub places: Vec<(String, String)>,
    /// In its fields.
    pub fields: Vec<(String, String)>,
}

/// A command that sends the same request; secrets are variables of the shell, to be set before.
pub(super) fn command(request: &Request) -> String {
    line("curl -si", request, &Variables::default())
}

/// The command for a request, with the options in `start` and with variables of the shell.
pub(super) fn line(start: &str, request: &Request, variables: &Variables) -> String {
    let filled = |text: &str, with: &[(String, String)]| {
        with.iter().fold(Word::new(text), |word, (value, name)| {
            word.with(value, name)
        })
    };
    let method = match request.method {
        // With -X HEAD it would wait for a body.
        Method::HEAD => " --head".to_owned(),
        Method::GET if request.body.is_empty() => String::new(),
        _ => format!(" -X {}", request.method),
    };
    let url = filled(request.url.as_str(), &variables.places);
    let mut command = format!("{start}{method} {url}");
    for (name, value) in &request.headers {
        let field = if redact::is_secret(name.as_str()) {
            // Double quotes, so that the shell puts it in.
            format!("\"{name}: {}\"", redact::placeholder(name.as_str()))
        } else {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = filled(&value, &variables.fields);
            Word::new(format!("{name}: ")).and(value).to_string()
        };
        let _ = write!(command, " -H {field}");
    }
    if !request.body.is_empty() {
        match std::str::from_utf8(&request.body) {
            Ok(text) => {
                let _ = write!(command, " --data-raw {}", filled(text, &variables.places));
            }
            Err(_) => command.push_str(" --data-binary @body"),
        }
    }
    command
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
            r#"curl -si -X PUT 'http://127.0.0.1:8080/a?b=c%27d' -H 'if-match: "7"' -H "authorization: $AUTHORIZATION" --data-raw 'it'\''s'"#
        );
        let variables = Variables {
            places: vec![("a?b".into(), "place".into())],
            fields: vec![("\"7\"".into(), "etag".into())],
        };
        assert_eq!(
            line("curl -s", &request, &variables),
            r#"curl -s -X PUT "http://127.0.0.1:8080/$place=c%27d" -H "if-match: $etag" -H "authorization: $AUTHORIZATION" --data-raw 'it'\''s'"#
        );
    }
}
