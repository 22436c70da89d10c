use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

/// A server of one document, whose tags nobody compares unless it is told to. It ends with the value.
pub(super) struct Unguarded {
    pub(super) url: String,
    document: Arc<Mutex<Document>>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Document {
    version: u64,
    body: Vec<u8>,
    manner: Manner,
    /// What the clients call themselves.
    user_agents: BTreeSet<String>,
}

/// How it differs from what is usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// So many writes are accepted, and no more.
    pub(super) writes: u64,
    pub(super) has_tags: bool,
    pub(super) compares_tags: bool,
    /// What becomes of the server with the request after so many writes.
    pub(super) end: Option<(u64, End)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its process is gone: connections break, and no other can be opened.
    Dies,
    /// The same, and it is there again some time later.
    Restarts,
    /// It takes requests and never answers.
    Hangs,
    /// It is gone from behind a gateway.
    LeavesGateway,
}

impl Manner {
    pub(super) const USUAL: Self = Self {
        writes: u64::MAX,
        has_tags: true,
        compares_tags: false,
        end: None,
    };
}

impl Unguarded {
    pub(super) async fn start() -> Self {
        Self::of(Manner::USUAL).await
    }

    /// One that lets nobody write any more after so many writes.
    pub(super) async fn with_writes(writes: u64) -> Self {
        Self::of(Manner {
            writes,
            ..Manner::USUAL
        })
        .await
    }

    /// One that says nothing of versions: what is sent replaces what is there.
    pub(super) async fn without_tags() -> Self {
        Self::of(Manner {
            has_tags: false,
            ..Manner::USUAL
        })
        .await
    }

    /// One that compares tags, and comes to an end with the write after `writes`.
    pub(super) async fn ending(end: End, writes: u64) -> Self {
        Self::of(Manner {
            compares_tags: true,
            end: Some((writes, end)),
            ..Manner::USUAL
        })
        .await
    }

    /// One that has come to its end before anybody asks.
    pub(super) async fn gone(end: End) -> Self {
        let server = Self::ending(end, 0).await;
        server.document.lock().unwrap().version = 3;
        if end == End::Dies {
            server.serving.abort();
        }
        server
    }

    async fn of(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let document = Arc::new(Mutex::new(Document {
            version: 1,
            body: br#"{"title":"Draft"}"#.to_vec(),
            manner,
            user_agents: BTreeSet::new(),
        }));
        let served = Arc::clone(&document);
        let serving = tokio::spawn(async move {
            let mut listener = listener;
            while serve_until_the_end(listener, &served).await == End::Restarts {
                tokio::time::sleep(Duration::from_millis(300)).await;
                listener = TcpListener::bind(address).await.unwrap();
            }
        });
        Self {
            url: format!("http://{address}/one"),
            document,
            serving,
        }
    }

    /// What clients called themselves since they were last asked for.
    pub(super) fn user_agents(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.document.lock().unwrap().user_agents)
    }

    /// What is there now.
    pub(super) fn body(&self) -> Vec<u8> {
        self.document.lock().unwrap().body.clone()
    }
}

impl Drop for Unguarded {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Listens until its end; with it, all connections break.
async fn serve_until_the_end(listener: TcpListener, document: &Arc<Mutex<Document>>) -> End {
    let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(serve(stream, Arc::clone(document), ends.clone()));
            }
            Some(end) = ended.recv() => return end,
        }
    }
}

/// Request after request, until the client goes away or speaks something else.
async fn serve(
    stream: TcpStream,
    document: Arc<Mutex<Document>>,
    ends: UnboundedSender<End>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        stream.read_line(&mut first).await.ok()?;
        let mut words = first.split_whitespace();
        let method = words.next()?.to_owned();
        let path = words.next()?.to_owned();
        let mut length = 0;
        let mut if_match = None;
        let mut user_agent = String::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            if line.trim().is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            } else if name.eq_ignore_ascii_case("if-match") {
                if_match = Some(value.trim().to_owned());
            } else if name.eq_ignore_ascii_case("user-agent") {
                user_agent = value.trim().to_owned();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        // The first line of HTTP/2 is none of a request.
        if method != "PRI" {
            document.lock().unwrap().user_agents.insert(user_agent);
        }
        let answer = match end(&method, &document) {
            Some(End::Hangs) => std::future::pending().await,
            Some(End::LeavesGateway) => {
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            Some(end) => {
                ends.send(end).ok()?;
                return std::future::pending().await;
            }
            None => answer(&method, &path, if_match.as_deref(), body, &document),
        };
        stream.write_all(&answer).await.ok()?;
    }
}

/// How the server ends with this request, if it does. It restarts once.
fn end(method: &str, document: &Mutex<Document>) -> Option<End> {
    let mut document = document.lock().unwrap();
    let (writes, end) = document.manner.end?;
    let is_over = document.version > writes + 1;
    if document.version == writes + 1 && method == "PUT" {
        document.version += 1;
    } else if !is_over {
        return None;
    }
    if end == End::Restarts {
        document.manner.end = None;
    }
    Some(end)
}

fn answer(
    method: &str,
    path: &str,
    if_match: Option<&str>,
    body: Vec<u8>,
    document: &Mutex<Document>,
) -> Vec<u8> {
    let mut document = document.lock().unwrap();
    let manner = document.manner;
    let tag = format!("\"{}\"", document.version);
    let is_stale = manner.compares_tags && if_match.is_some_and(|given| given != tag);
    let (status, content) = match (path, method) {
        ("/one", "GET" | "HEAD") => ("200 OK", document.body.clone()),
        ("/one", "PUT") if document.version > manner.writes => ("403 Forbidden", Vec::new()),
        ("/one", "PUT") if is_stale => ("412 Precondition Failed", b"stale".to_vec()),
        ("/one", "PUT") => {
            document.version += 1;
            document.body = body;
            ("200 OK", document.body.clone())
        }
        ("/one", _) => ("405 Method Not Allowed", Vec::new()),
        _ => ("404 Not Found", Vec::new()),
    };
    let tag = match manner.has_tags {
        true => format!("ETag: \"{}\"\r\n", document.version),
        false => String::new(),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{tag}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    let content = if method == "HEAD" { &[] } else { &content[..] };
    [head.as_bytes(), content].concat()
}
