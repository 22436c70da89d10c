use std::net::Ipv4Addr;

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;
use crate::certificates::Certificates;
use crate::live::on_nothing;

async fn listener() -> Listener {
    let signed = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = TempDir::new().unwrap();
    let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], signed.cert.pem()).unwrap();
    std::fs::write(&paths[1], signed.signing_key.serialize_pem()).unwrap();
    let certificates = Certificates::read(&paths[0], &paths[1]).unwrap();
    Listener::tls("127.0.0.1:0", certificates).await.unwrap()
}

async fn connect(listener: &Listener) -> TcpStream {
    let port = listener.url().unwrap().rsplit(':').next().unwrap().parse();
    let port: u16 = port.unwrap();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap()
}

/// A handshake is part of a connection: it has the same time, and it is nobody else's business.
#[tokio::test(start_paused = true)]
async fn whoever_does_not_come_to_an_end_with_the_handshake_is_let_go() {
    let listener = listener().await;
    let open = Arc::new(Connections::new(10, 10));
    let (live, _writer) = on_nothing();
    let graceful = GracefulShutdown::new();
    // Nothing; and a record of 512 bytes whose end does not come.
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"] {
        let mut client = connect(&listener).await;
        client.write_all(begun).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let instant = Instant::now();
        handle(stream, open.admit(peer), peer, false, &live, &graceful).await;
        let taken = instant.elapsed();
        assert_eq!(taken, Duration::from_secs(30), "{begun:?}");
        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_handshake() {
    let listener = listener().await;
    let open = Arc::new(Connections::new(10, 10));
    let graceful = GracefulShutdown::new();
    let _client = connect(&listener).await;
    let (stream, peer) = listener.accept().await.unwrap();
    let (live, _writer) = on_nothing();
    let handled = handle(stream, open.admit(peer), peer, false, &live, &graceful);
    let begun = Instant::now();
    tokio::join!(handled, graceful.shutdown());
    assert!(begun.elapsed() < Duration::from_secs(5));
}
