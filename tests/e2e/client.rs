use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A client that checks what holds for every answer.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
    /// What links begin with.
    site: String,
    /// What the proxy in between adds to each request.
    forwarded: HeaderMap,
}

/// An answer, read whole.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request being put together.
pub(crate) struct Ask {
    site: String,
    path: String,
    request: reqwest::RequestBuilder,
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            base: base.to_owned(),
            http,
            site: String::new(),
            forwarded: HeaderMap::new(),
        }
    }

    /// The same, where links begin with `site` since a proxy adds these fields.
    pub(crate) fn behind(&self, site: &str, fields: &[(&'static str, &str)]) -> Self {
        let fields = fields.iter();
        let forwarded =
            fields.map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        Self {
            site: site.to_owned(),
            forwarded: forwarded.collect(),
            ..self.clone()
        }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.headers(self.forwarded.clone());
        Ask {
            site: self.site.clone(),
            path: path.to_owned(),
            request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Ask {
        self.ask("PUT", path).json(body)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Ask {
        self.ask("POST", path).json(body)
    }

    pub(crate) fn merge_patch(&self, path: &str, body: &str) -> Ask {
        self.ask("PATCH", path)
            .body("application/merge-patch+json", body)
    }

    pub(crate) fn json_patch(&self, path: &str, body: &str) -> Ask {
        self.ask("PATCH", path)
            .body("application/json-patch+json", body)
    }

    /// Creates a document, and returns its tag.
    pub(crate) async fn create(&self, path: &str, body: &str) -> String {
        let answer = self.put(path, body).send().await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.tag()
    }
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn if_match(self, tag: &str) -> Self {
        self.header("If-Match", tag)
    }

    pub(crate) fn by(self, actor: &str) -> Self {
        self.header("X-Actor", actor)
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn body(mut self, media_type: &str, body: &str) -> Self {
        self.request = self
            .request
            .header("Content-Type", media_type)
            .body(body.to_owned());
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let path = self.path.split('?').next().unwrap().to_owned();
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// An answer, unless the connection breaks.
    pub(crate) async fn try_send(self) -> reqwest::Result<Answer> {
        let path = self.path.split('?').next().unwrap_or_default();
        let link = format!("{}{path}", self.site);
        let response = self.request.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        };
        answer.check(&link);
        Ok(answer)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {body}", self.status, self.headers)
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn tag(&self) -> String {
        self.header("etag")
            .unwrap_or_else(|| panic!("no ETag in {self:?}"))
            .to_owned()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// What holds for every answer of the server.
    fn check(&self, link: &str) {
        assert!(
            self.header("x-request-id").is_some(),
            "no request id: {self:?}"
        );
        if let Some(tag) = self.header("etag") {
            assert!(
                tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2,
                "{tag}"
            );
        }
        if self.header("merged-versions").is_some() && self.body.is_empty() {
            assert_eq!(
                self.header("etag"),
                None,
                "a merged version unseen: {self:?}"
            );
        }
        let status = StatusCode::from_u16(self.status).unwrap();
        let is_refusal = status.is_client_error() || status.is_server_error();
        if is_refusal && !self.body.is_empty() {
            self.check_problem(link);
        }
    }

    fn check_problem(&self, link: &str) {
        let media_type = self.header("content-type").unwrap();
        if media_type.starts_with("application/xml") {
            // As WebDAV has it, with the problem in it.
            let text = self.text();
            assert!(text.contains("<D:error xmlns:D=\"DAV:\"><D:"), "{text}");
            assert!(
                text.contains("<problem xmlns=\"urn:ietf:rfc:7807\">"),
                "{text}"
            );
            assert!(text.contains("<detail>"), "{text}");
            return;
        }
        if link.ends_with("/graphql") && self.json()["errors"].is_array() {
            // As GraphQL has it.
            let answer = self.json();
            assert!(answer.get("data").is_none(), "{answer}");
            for error in answer["errors"].as_array().unwrap() {
                let (message, code) = (&error["message"], &error["extensions"]["code"]);
                assert!(message.is_string() && code.is_string(), "{answer}");
            }
            return;
        }
        assert!(
            media_type == "application/problem+json" || media_type == "application/json",
            "{media_type}"
        );
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let vary: Vec<_> = self.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|it| *it == "accept"), "{self:?}");
        assert!(self.body.ends_with(b"}\n"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(problem["instance"], link, "{problem}");
        for member in ["type", "title", "detail", "error", "message"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{member}: {problem}"
            );
        }
        let kind = problem["type"].as_str().unwrap();
        if kind.ends_with("/problems/stale-version") {
            let members = [
                "current_version",
                "your_version",
                "current_etag",
                "conflicting_fields",
                "conflicts",
                "changes_since",
                "mergeable",
                "resolutions",
            ];
            for member in members {
                assert!(problem.get(member).is_some(), "no {member}: {problem}");
            }
        }
    }
}
