use std::sync::{Arc, Mutex, PoisonError};

use detente_client::{Client, ClientBuilder, Jitter, Retry};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// How the server reacts to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    /// Closes the connection without an answer.
    Cut,
    /// Closes it in the middle of the answer's body.
    Half(Answer),
    /// An event stream that ends after these bytes, wherever that is.
    Events(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// A server that answers one request after the other, as scripted.
pub(crate) struct Fake {
    url: String,
    asks: Arc<Mutex<Vec<Ask>>>,
}

impl Ask {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `GET /api/a/1`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn cut_in_half(self) -> Reply {
        Reply::Half(self)
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 204 && self.status != 304 {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head + "\r\n"
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// No pauses, so that no test waits for one.
pub(crate) fn at_once() -> Retry {
    Retry {
        jitter: Jitter::none(),
        ..Retry::default()
    }
}

impl Fake {
    pub(crate) async fn start(script: impl FnMut(&Ask) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asks = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script));
        let fake = Self {
            url,
            asks: Arc::clone(&asks),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, asks) = (Arc::clone(&script), Arc::clone(&asks));
                tokio::spawn(async move {
                    // A client that disconnects is not a failure of the server.
                    let _ = serve(stream, |ask| {
                        asks.lock().unwrap().push(ask.clone());
                        // A script that panicked has already failed its test.
                        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
                        script(ask)
                    })
                    .await;
                });
            }
        });
        fake
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(&self.url).retry(at_once())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn asks(&self) -> Vec<Ask> {
        self.asks.lock().unwrap().clone()
    }

    /// The requests, except the one that finds out whether the server keeps keys.
    pub(crate) fn lines(&self) -> Vec<String> {
        let asks = self.asks();
        let lines = asks.iter().map(Ask::line);
        lines.filter(|line| !line.contains("/problems/")).collect()
    }

    pub(crate) fn writes(&self) -> Vec<Ask> {
        self.asks().into_iter().filter(Ask::is_write).collect()
    }
}

async fn serve(stream: TcpStream, mut answer: impl FnMut(&Ask) -> Reply) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(ask) = read(&mut stream).await? {
        let reply = answer(&ask);
        match &reply {
            Reply::Answer(answer) => {
                let text = answer.head() + &answer.body;
                stream.write_all(text.as_bytes()).await?;
            }
            Reply::Cut => return Ok(()),
            Reply::Half(answer) => {
                let half = &answer.body.as_bytes()[..answer.body.len() / 2];
                stream.write_all(answer.head().as_bytes()).await?;
                return stream.write_all(half).await;
            }
            Reply::Events(events) => {
                let head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                return stream.write_all(events.as_bytes()).await;
            }
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Ask>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut ask = Ask {
        method,
        path,
        headers,
        body: String::new(),
    };
    let length = ask.header("content-length").unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await?;
    ask.body = String::from_utf8(body).unwrap();
    Ok(Some(ask))
}
