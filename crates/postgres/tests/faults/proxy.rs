use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a client sent before it was cut off, and where it goes.
type Held = (TcpStream, Vec<u8>);

/// What is to be held back.
type Holds = Arc<Mutex<Option<&'static str>>>;

/// Never.
const UNARMED: i64 = i64::MAX;

/// Stands between a node and PostgreSQL.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// The store by way of the proxy.
    pub(crate) url: String,
    fuse: Arc<AtomicI64>,
    refuses: Arc<AtomicBool>,
    holds: Holds,
    held: Arc<Mutex<Option<Held>>>,
    /// How many connections were cut.
    pub(crate) cut: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (before, name) = url.rsplit_once('/').unwrap();
        let (user, server) = before.rsplit_once('@').unwrap();
        let server = server.to_owned();
        let proxy = Self {
            url: format!("{user}@127.0.0.1:{port}/{name}"),
            fuse: Arc::new(AtomicI64::new(UNARMED)),
            refuses: Arc::default(),
            holds: Arc::default(),
            held: Arc::default(),
            cut: Arc::default(),
        };
        let (fuse, refuses) = (Arc::clone(&proxy.fuse), Arc::clone(&proxy.refuses));
        let cut = Arc::clone(&proxy.cut);
        let (holds, held) = (Arc::clone(&proxy.holds), Arc::clone(&proxy.held));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if refuses.load(Ordering::Relaxed) {
                    continue;
                }
                let (fuse, cut) = (Arc::clone(&fuse), Arc::clone(&cut));
                let server = server.clone();
                let (holds, held) = (Arc::clone(&holds), Arc::clone(&held));
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(&server).await {
                        let late = pass(client, server, &fuse, &cut, &holds).await;
                        if late.is_some() {
                            *held.lock().unwrap() = late;
                        }
                    }
                });
            }
        });
        proxy
    }

    /// The connection over which so many more bytes have gone, on all together, is cut there.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.fuse.store(bytes as i64, Ordering::Relaxed);
    }

    /// What is sent next with this text in it is held back, and whoever sent it is cut off.
    pub(crate) fn hold(&self, text: &'static str) {
        *self.holds.lock().unwrap() = Some(text);
    }

    /// Sends on what was held back, and waits until PostgreSQL has answered.
    pub(crate) async fn deliver(&self) {
        let held = self.held.lock().unwrap().take();
        let (mut server, bytes) = held.expect("something was held back");
        server.write_all(&bytes).await.unwrap();
        let mut answer = vec![0; 1 << 14];
        let answered = server.read(&mut answer);
        let answered = tokio::time::timeout(Duration::from_secs(10), answered).await;
        assert!(answered.unwrap().unwrap() > 0, "PostgreSQL took it in");
    }

    /// New connections are closed at once; those that are there go on.
    pub(crate) fn refuse_new(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    /// New connections are closed at once, and the next byte cuts the one that it is on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
        if refuses {
            self.cut_after(0);
        }
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

/// Passes bytes on, both ways, until one side ends, the fuse blows, or something is to be held back.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    fuse: &AtomicI64,
    cut: &AtomicU64,
    holds: &Mutex<Option<&str>>,
) -> Option<Held> {
    let (mut asked, mut answered) = (vec![0; 1 << 14], vec![0; 1 << 14]);
    loop {
        let (bytes, to) = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(length) if length > 0 => {
                    let is_held = |text: &mut &str| has(&asked[..length], text);
                    if holds.lock().unwrap().take_if(is_held).is_some() {
                        return Some((server, asked[..length].to_vec()));
                    }
                    (&asked[..length], &mut server)
                }
                _ => return None,
            },
            read = server.read(&mut answered) => match read {
                Ok(length) if length > 0 => (&answered[..length], &mut client),
                _ => return None,
            },
        };
        let length = bytes.len() as i64;
        let left = fuse.load(Ordering::Relaxed);
        if left < length {
            fuse.store(UNARMED, Ordering::Relaxed);
            cut.fetch_add(1, Ordering::Relaxed);
            // The first part arrives, and then nothing.
            let _ = to.write_all(&bytes[..left.max(0) as usize]).await;
            return None;
        }
        if left != UNARMED {
            fuse.fetch_sub(length, Ordering::Relaxed);
        }
        if to.write_all(bytes).await.is_err() {
            return None;
        }
    }
}
