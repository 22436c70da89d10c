use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A client that opens a connection for each request.
///
/// It panics when a server of these tests cannot be reached or does not speak HTTP.
pub(crate) struct Client {
    bases: Vec<String>,
    headers: Vec<(String, String)>,
}

/// What is sent; a body is sent as JSON unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    method: &'static str,
    path: String,
    base: usize,
    headers: Vec<(String, String)>,
    body: String,
}

/// A request of which the last byte has not left.
pub(crate) struct Held {
    stream: TcpStream,
    last: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(bases: &[String], headers: &[(&'static str, String)]) -> Self {
        let headers = headers.iter();
        Self {
            bases: bases.to_vec(),
            headers: headers
                .map(|(name, value)| ((*name).into(), value.clone()))
                .collect(),
        }
    }

    /// `127.0.0.1:40123`, of the first base URL.
    pub(crate) fn authority(&self) -> &str {
        self.bases[0].trim_start_matches("http://")
    }

    pub(crate) fn bases(&self) -> usize {
        self.bases.len()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(&Sending::new("GET", path))
    }

    /// The entity tag of a path; empty if it has none.
    pub(crate) fn tag(&self, path: &str) -> String {
        self.get(path).header("etag").unwrap_or_default().to_owned()
    }

    pub(crate) fn send(&self, sending: &Sending) -> Reply {
        self.begin(sending).finish()
    }

    /// Sends all but the last byte.
    pub(crate) fn begin(&self, sending: &Sending) -> Held {
        let authority = self.bases[sending.base].trim_start_matches("http://");
        let mut text = format!("{} {} HTTP/1.1\r\n", sending.method, sending.path);
        text.push_str(&format!("Host: {authority}\r\nConnection: close\r\n"));
        for (name, value) in self.headers.iter().chain(&sending.headers) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !sending.body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", sending.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&sending.body);
        let (last, rest) = text.as_bytes().split_last().expect("a request has bytes");
        let mut stream = TcpStream::connect(authority).expect("the server listens");
        stream.set_nodelay(true).expect("a socket has options");
        stream.write_all(rest).expect("the server reads");
        Held {
            stream,
            last: *last,
        }
    }

    /// Sends all but the last byte of each, then the last bytes.
    pub(crate) fn together(&self, sendings: &[Sending]) -> Vec<Reply> {
        let held: Vec<Held> = sendings.iter().map(|sending| self.begin(sending)).collect();
        let released: Vec<TcpStream> = held.into_iter().map(Held::release).collect();
        released.into_iter().map(Reply::read).collect()
    }
}

impl Sending {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.into(),
            base: 0,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn put(path: &str, body: impl ToString) -> Self {
        Self::new("PUT", path).body(body)
    }

    pub(crate) fn patch(path: &str, body: impl ToString) -> Self {
        Self::new("PATCH", path).body(body)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new("DELETE", path)
    }

    pub(crate) fn post(path: &str, body: impl ToString) -> Self {
        Self::new("POST", path).body(body)
    }

    pub(crate) fn body(mut self, body: impl ToString) -> Self {
        self.body = body.to_string();
        self.with("Content-Type", "application/json")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn if_match(self, tag: &str) -> Self {
        self.with("If-Match", tag)
    }

    pub(crate) fn at_base(mut self, base: usize) -> Self {
        self.base = base;
        self
    }
}

impl Held {
    pub(crate) fn finish(self) -> Reply {
        Reply::read(self.release())
    }

    /// Lets the last byte go, and does not wait for the answer.
    pub(crate) fn release(mut self) -> TcpStream {
        self.stream
            .write_all(&[self.last])
            .expect("the server reads");
        self.stream
    }
}

impl Reply {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the server answers");
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(&bytes).expect("the answer is HTTP");
        let httparse::Status::Complete(length) = parsed else {
            panic!(
                "the answer ends in its head: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        };
        Self {
            status: head.code.unwrap_or(0),
            headers: head
                .headers
                .iter()
                .map(|field| {
                    let value = String::from_utf8_lossy(field.value).into_owned();
                    (field.name.to_ascii_lowercase(), value)
                })
                .collect(),
            body: String::from_utf8_lossy(&bytes[length..]).into_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How many were accepted.
pub(crate) fn accepted(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.is_accepted()).count()
}
