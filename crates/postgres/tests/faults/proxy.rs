use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Never.
const UNARMED: i64 = i64::MAX;

/// Stands between a node and PostgreSQL.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// The store by way of the proxy.
    pub(crate) url: String,
    fuse: Arc<AtomicI64>,
    refuses: Arc<AtomicBool>,
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
            cut: Arc::default(),
        };
        let (fuse, refuses) = (Arc::clone(&proxy.fuse), Arc::clone(&proxy.refuses));
        let cut = Arc::clone(&proxy.cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if refuses.load(Ordering::Relaxed) {
                    continue;
                }
                let (fuse, cut) = (Arc::clone(&fuse), Arc::clone(&cut));
                let server = server.clone();
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(&server).await {
                        pass(client, server, &fuse, &cut).await;
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

    /// New connections are closed at once, and the next byte cuts the one that it is on.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
        if refuses {
            self.cut_after(0);
        }
    }
}

/// Passes bytes on, both ways, until one side ends or the fuse blows.
async fn pass(mut client: TcpStream, mut server: TcpStream, fuse: &AtomicI64, cut: &AtomicU64) {
    let (mut asked, mut answered) = (vec![0; 1 << 14], vec![0; 1 << 14]);
    loop {
        let (bytes, to) = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(length) if length > 0 => (&asked[..length], &mut server),
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(length) if length > 0 => (&answered[..length], &mut client),
                _ => return,
            },
        };
        let length = bytes.len() as i64;
        let left = fuse.load(Ordering::Relaxed);
        if left < length {
            fuse.store(UNARMED, Ordering::Relaxed);
            cut.fetch_add(1, Ordering::Relaxed);
            // The first part arrives, and then nothing.
            let _ = to.write_all(&bytes[..left.max(0) as usize]).await;
            return;
        }
        if left != UNARMED {
            fuse.fetch_sub(length, Ordering::Relaxed);
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
