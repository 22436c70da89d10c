use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Version, header, request};

/// A request, as a server sees it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// `notes/1`
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Empty until it has come.
    pub(crate) body: Bytes,
    pub(crate) http2: bool,
    /// Which of the base URLs it came to.
    pub(crate) base: usize,
}

impl Ask {
    pub(crate) fn new(head: &request::Parts, base: usize) -> Self {
        Self {
            method: head.method.clone(),
            path: head.uri.path().trim_matches('/').into(),
            headers: head.headers.clone(),
            body: Bytes::new(),
            http2: head.version == Version::HTTP_2,
            base,
        }
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn idempotency_key(&self) -> Option<&str> {
        self.headers.get("idempotency-key")?.to_str().ok()
    }

    pub(crate) fn takes_gzip(&self) -> bool {
        self.header(&header::ACCEPT_ENCODING)
            .is_some_and(|codings| codings.contains("gzip"))
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}
