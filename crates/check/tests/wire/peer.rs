use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

/// Long enough for a volley to have left, and to have been looked at, before its first answer.
pub(crate) const LATE: Duration = Duration::from_millis(100);

/// A request that came, with its last byte.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Of connections, which; counts from 0.
    pub(crate) connection: usize,
    pub(crate) path: String,
    pub(crate) content: usize,
    pub(crate) user_agent: String,
    pub(crate) completed: Instant,
}

/// How a request is answered: pieces of bytes, each of them written by itself.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) then: Then,
    /// How long the server takes over it.
    pub(crate) after: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Waits for the next request.
    GoOn,
    Close,
    /// Neither answers any more nor closes.
    Hang,
}

/// What came, for all connections.
#[derive(Default)]
pub(crate) struct Log {
    arrivals: Mutex<Vec<Arrival>>,
    changed: Notify,
}

pub(crate) struct Peer {
    pub(crate) url: Url,
    pub(crate) log: Arc<Log>,
}

impl Log {
    pub(crate) fn push(&self, arrival: Arrival) {
        self.arrivals
            .lock()
            .expect("no holder panics")
            .push(arrival);
        self.changed.notify_waiters();
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().expect("no holder panics").clone()
    }

    pub(crate) async fn until(&self, count: usize) -> Vec<Arrival> {
        loop {
            let more = self.changed.notified();
            let arrivals = self.arrivals();
            if arrivals.len() >= count {
                return arrivals;
            }
            more.await;
        }
    }
}

impl Answer {
    pub(crate) fn of(pieces: &[&str]) -> Self {
        Self {
            pieces: pieces.iter().map(|it| it.as_bytes().to_vec()).collect(),
            then: Then::GoOn,
            after: Duration::ZERO,
        }
    }

    pub(crate) fn ok() -> Self {
        Self::of(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"])
    }

    pub(crate) fn late() -> Self {
        Self {
            after: LATE,
            ..Self::ok()
        }
    }

    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl Peer {
    /// Serves, answering each request as `answer` says.
    pub(crate) async fn start(answer: impl Fn(&Arrival) -> Answer + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::accept("http", move |number, stream, log| {
            let answer = Arc::clone(&answer);
            async move { serve(number, stream, &log, &*answer).await }
        })
        .await
    }

    /// Hands each connection to `serve`, in a task of its own.
    pub(crate) async fn accept<F: Future<Output = ()> + Send + 'static>(
        scheme: &str,
        serve: impl Fn(usize, TcpStream, Arc<Log>) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.expect("it listens");
                stream.set_nodelay(true).expect("it is TCP");
                tokio::spawn(serve(number, stream, Arc::clone(&shared)));
            }
        });
        let url = format!("{scheme}://127.0.0.1:{port}/it?a=b");
        Self {
            url: url.parse().expect("it is a URL"),
            log,
        }
    }
}

/// One connection on HTTP/1.1.
pub(crate) async fn serve(
    connection: usize,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    log: &Log,
    answer: &(impl Fn(&Arrival) -> Answer + ?Sized),
) {
    let mut read = Vec::new();
    while let Some(arrival) = receive(connection, &mut stream, &mut read).await {
        log.push(arrival.clone());
        let Answer {
            pieces,
            then,
            after,
        } = answer(&arrival);
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        for piece in pieces {
            if stream.write_all(&piece).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        match then {
            Then::GoOn => {}
            Then::Close => {
                let _ = stream.shutdown().await;
                return;
            }
            Then::Hang => std::future::pending().await,
        }
    }
}

async fn receive(
    connection: usize,
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut Vec<u8>,
) -> Option<Arrival> {
    let head = loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            break read.drain(..end + 4).collect::<Vec<_>>();
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(head).ok()?;
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(it, value)| (it == name).then_some(value))
    };
    let length = field("content-length");
    let content = length.map_or(0, |length| length.parse().expect("a length"));
    while read.len() < content {
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    read.drain(..content);
    Some(Arrival {
        connection,
        path: head.split(' ').nth(1)?.to_owned(),
        content,
        user_agent: field("user-agent")?.to_owned(),
        completed: Instant::now(),
    })
}
