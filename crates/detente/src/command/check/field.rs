use std::str::FromStr;

use anyhow::{Context, anyhow};
use detente_check::{Request, Transition};
use http::{HeaderName, HeaderValue, Method};
use url::Url;

/// `Name: value`.
#[derive(Clone, Debug)]
pub(in crate::command) struct Field {
    pub name: HeaderName,
    pub value: HeaderValue,
}

impl FromStr for Field {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| anyhow!("expected `Name: value`"))?;
        let name = name.trim();
        Ok(Self {
            name: name
                .parse()
                .with_context(|| format!("`{name}` is not the name of a header field"))?,
            value: value
                .trim()
                .parse()
                .with_context(|| format!("the value of `{name}` cannot be sent"))?,
        })
    }
}

/// `METHOD URL`.
#[derive(Clone, Debug)]
pub(in crate::command) struct Target {
    pub method: Method,
    /// As it was given, with `{url}` in it.
    pub url: String,
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (method, url) = text.trim().split_once(' ').ok_or_else(|| {
            anyhow!("expected a method and a URL, such as `POST http://127.0.0.1:8080/items`")
        })?;
        let method = method
            .parse()
            .with_context(|| format!("`{method}` is not a method"))?;
        Ok(Self {
            method,
            url: url.trim().to_owned(),
        })
    }
}

impl Target {
    /// The URL, which may be given as a path on the server of `base`.
    pub(in crate::command) fn on(&self, base: &Url) -> anyhow::Result<Url> {
        base.join(&self.url)
            .with_context(|| format!("`{}` is not a URL", self.url))
    }

    pub(in crate::command) fn request(&self, base: &Url, body: &[u8]) -> anyhow::Result<Request> {
        let mut request = Request::new(self.method.clone(), self.on(base)?);
        if !body.is_empty() {
            request.body = body.to_vec().into();
            request = request.with(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        Ok(request)
    }

    pub(in crate::command) fn transition(&self, body: Vec<u8>) -> Transition {
        Transition {
            method: self.method.clone(),
            target: self.url.clone(),
            body: body.into(),
        }
    }
}

/// A JSON Pointer (RFC 6901).
pub(in crate::command) fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a JSON Pointer begins with `/`; do you mean `/{text}`?"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_targets_are_read_or_told() {
        assert!("Authorization: Bearer x:y".parse::<Field>().is_ok());
        for wrong in ["Authorization", "a b: c", "X: \u{7}"] {
            assert!(wrong.parse::<Field>().is_err(), "{wrong:?}");
        }
        assert!("POST /items".parse::<Target>().is_ok());
        for wrong in ["http://127.0.0.1/items", "PO(ST /items", ""] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong:?}");
        }
    }
}
