//! Requests as bytes.

use std::io::Write;
use std::net::SocketAddr;

use super::etcd;
use super::site::{Dialect, Site};
use super::tag::Tag;

/// The precondition of a PUT.
pub(crate) enum Condition<'a> {
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: tag`
    Match(&'a Tag),
}

/// Builds the requests of one connection, all in the same buffer.
pub(crate) struct Requests {
    buffer: Vec<u8>,
    /// What follows the path in every request: the end of the request line, and the fields that never change.
    common: Vec<u8>,
    prefer: &'static [u8],
    dialect: Dialect,
}

impl Requests {
    pub(crate) fn to(site: &Site) -> Requests {
        Requests {
            dialect: site.dialect,
            ..Requests::new(site.address, site.minimal)
        }
    }

    pub(crate) fn new(address: SocketAddr, minimal: bool) -> Requests {
        Requests {
            dialect: Dialect::Http,
            buffer: Vec::with_capacity(2048),
            common: format!(" HTTP/1.1\r\nHost: {address}\r\n").into_bytes(),
            prefer: if minimal {
                b"Prefer: return=minimal\r\n"
            } else {
                b""
            },
        }
    }

    /// The requests of a client that has the server merge what is stale.
    pub(crate) fn merging(address: SocketAddr) -> Requests {
        Requests {
            prefer: b"Prefer: conflict=merge\r\n",
            ..Requests::new(address, false)
        }
    }

    /// A GET; with a tag, only if the document is another version by now.
    pub(crate) fn get(&mut self, path: &[u8], unless: Option<&Tag>) -> &[u8] {
        if self.dialect == Dialect::Etcd {
            return self.post(etcd::RANGE, &etcd::range(path));
        }
        self.begin(b"GET ", path);
        if let Some(tag) = unless {
            self.add([b"If-None-Match: ", tag.as_bytes(), b"\r\n"]);
        }
        self.add([b"\r\n"]);
        &self.buffer
    }

    pub(crate) fn put(&mut self, path: &[u8], condition: &Condition<'_>, body: &[u8]) -> &[u8] {
        if self.dialect == Dialect::Etcd {
            let transaction = etcd::transaction(path, condition, body);
            return self.post(etcd::TRANSACTION, &transaction);
        }
        self.begin(b"PUT ", path);
        match condition {
            Condition::Absent => self.add([b"If-None-Match: *\r\n"]),
            Condition::Match(tag) => self.add([b"If-Match: ", tag.as_bytes(), b"\r\n"]),
        }
        self.add([self.prefer]);
        self.end_with(body);
        &self.buffer
    }

    pub(crate) fn post(&mut self, path: &[u8], body: &[u8]) -> &[u8] {
        self.begin(b"POST ", path);
        self.end_with(body);
        &self.buffer
    }

    fn end_with(&mut self, body: &[u8]) {
        write!(
            self.buffer,
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .expect("a Vec takes every write");
        self.add([body]);
    }

    /// The request built last.
    pub(crate) fn built(&self) -> &[u8] {
        &self.buffer
    }

    fn begin(&mut self, method: &[u8], path: &[u8]) {
        self.buffer.clear();
        self.buffer.extend_from_slice(method);
        self.buffer.extend_from_slice(path);
        self.buffer.extend_from_slice(&self.common);
    }

    fn add<const N: usize>(&mut self, parts: [&[u8]; N]) {
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(minimal: bool) -> Requests {
        Requests::new(SocketAddr::from(([127, 0, 0, 1], 80)), minimal)
    }

    #[test]
    fn a_get_with_and_without_a_tag() {
        let tag = Tag::new(b"\"1-a\"").expect("it is short");
        let mut requests = requests(true);
        assert_eq!(
            requests.get(b"/api/bench/1", None),
            b"GET /api/bench/1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"
        );
        assert_eq!(
            requests.get(b"/api/bench/1", Some(&tag)),
            b"GET /api/bench/1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nIf-None-Match: \"1-a\"\r\n\r\n"
        );
    }

    #[test]
    fn a_put_carries_its_condition_and_its_length() {
        let mut plain = requests(false);
        assert_eq!(
            plain
                .put(b"/p", &Condition::Absent, b"{}")
                .escape_ascii()
                .to_string(),
            "PUT /p HTTP/1.1\\r\\nHost: 127.0.0.1:80\\r\\nIf-None-Match: *\\r\\n\
             Content-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
        );
        let tag = Tag::new(b"\"1-a\"").expect("it is short");
        let mut minimal = requests(true);
        assert_eq!(
            minimal
                .put(b"/p", &Condition::Match(&tag), b"{}")
                .escape_ascii()
                .to_string(),
            "PUT /p HTTP/1.1\\r\\nHost: 127.0.0.1:80\\r\\nIf-Match: \\\"1-a\\\"\\r\\nPrefer: return=minimal\\r\\n\
             Content-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
        );
    }
}
