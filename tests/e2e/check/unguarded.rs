use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server of one document, whose tags nobody compares. It ends with the value.
pub(super) struct Unguarded {
    pub(super) url: String,
    document: Arc<Mutex<Document>>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Document {
    version: u64,
    body: Vec<u8>,
    /// So many writes are accepted, and no more.
    writes: u64,
    has_tags: bool,
}

impl Unguarded {
    pub(super) async fn start() -> Self {
        Self::with_writes(u64::MAX).await
    }

    /// One that lets nobody write any more after so many writes.
    pub(super) async fn with_writes(writes: u64) -> Self {
        Self::of(writes, true).await
    }

    /// One that says nothing of versions: what is sent replaces what is there.
    pub(super) async fn without_tags() -> Self {
        Self::of(u64::MAX, false).await
    }

    async fn of(writes: u64, has_tags: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/one", listener.local_addr().unwrap());
        let document = Arc::new(Mutex::new(Document {
            version: 1,
            body: br#"{"title":"Draft"}"#.to_vec(),
            writes,
            has_tags,
        }));
        let served = Arc::clone(&document);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self {
            url,
            document,
            serving,
        }
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

/// Request after request, until the client goes away or speaks something else.
async fn serve(stream: TcpStream, document: Arc<Mutex<Document>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        stream.read_line(&mut first).await.ok()?;
        let mut words = first.split_whitespace();
        let method = words.next()?.to_owned();
        let path = words.next()?.to_owned();
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let answer = answer(&method, &path, body, &document);
        stream.write_all(&answer).await.ok()?;
    }
}

fn answer(method: &str, path: &str, body: Vec<u8>, document: &Mutex<Document>) -> Vec<u8> {
    let mut document = document.lock().unwrap();
    let (status, content) = match (path, method) {
        ("/one", "GET" | "HEAD") => ("200 OK", document.body.clone()),
        ("/one", "PUT") if document.version > document.writes => ("403 Forbidden", Vec::new()),
        ("/one", "PUT") => {
            document.version += 1;
            document.body = body;
            ("200 OK", document.body.clone())
        }
        ("/one", _) => ("405 Method Not Allowed", Vec::new()),
        _ => ("404 Not Found", Vec::new()),
    };
    let tag = match document.has_tags {
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
