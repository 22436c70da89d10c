use std::sync::Arc;

use detente_check::client::Settings;
use detente_check::{Protocol, Request, RunError};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::peer::{self, Answer, Peer};
use super::peer_http2::{self, Manner};
use super::{client, client_with, put, told};

/// A server with a certificate that it signed itself, and that speaks both.
async fn start() -> Peer {
    let names = vec!["127.0.0.1".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|it| {
            it.with_no_client_auth()
                .with_single_cert(vec![signed.cert.der().clone()], key)
        })
        .expect("it fits the key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Peer::accept("https", move |number, stream, log| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let builder = h2::server::Builder::new();
                peer_http2::serve(number, stream, log, builder, Manner::AnswerLate).await;
            } else {
                peer::serve(number, stream, &log, &|_: &_| Answer::late()).await;
            }
        }
    })
    .await
}

fn insecure(protocol: Option<Protocol>) -> Settings {
    Settings {
        insecure: true,
        protocol,
        ..Settings::usual()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_are_spoken_over_tls() {
    let peer = start().await;
    let found = client_with(insecure(None)).protocols(&peer.url).await;
    let both = vec![Protocol::Http1, Protocol::Http2];
    assert_eq!(found.expect("it speaks"), both);
    for protocol in both {
        let client = client_with(insecure(Some(protocol)));
        let actor = client.actor("alice");
        for content in [0, 1, 100_000] {
            let sent = actor.send(put(&peer.url, vec![b'x'; content])).await;
            assert_eq!(told(&sent.expect("it was sent")), "200 ok", "{protocol:?}");
        }
        let before = peer.log.arrivals().len();
        let mut held = actor.hold(put(&peer.url, "xy")).await.expect("it began");
        assert!(!held.answered_early(), "{protocol:?}");
        assert_eq!(peer.log.arrivals().len(), before, "{protocol:?}");
        assert_eq!(told(&held.release().await.expect("it was sent")), "200 ok");
        let sends = (0..8).map(|_| (client.actor("one"), put(&peer.url, "x")));
        let volley = client
            .volley(sends.collect())
            .await
            .expect("they were sent");
        assert!(volley.exchanges.iter().all(|it| told(it) == "200 ok"));
        assert_eq!(volley.together, 8, "{protocol:?}");
    }
}

/// What comes of `https://` where plain HTTP is spoken: a 400 to what it took for a request, or nothing.
#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    for said in ["HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", ""] {
        let peer = Peer::accept("https", move |_, mut stream, _| async move {
            let mut greeting = [0; 4096];
            let _ = stream.read(&mut greeting).await;
            let _ = stream.write_all(said.as_bytes()).await;
        })
        .await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let actor = client_with(insecure(Some(protocol))).actor("alice");
            let refused = actor.send(Request::get(peer.url.clone())).await.err();
            let Some(RunError::Unreachable { source, .. }) = refused else {
                panic!("{protocol:?}, {said:?}: {refused:?}");
            };
            let expected = "it did not answer with TLS: is it http://?";
            assert_eq!(source.to_string(), expected, "{protocol:?}, {said:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let peer = start().await;
    let refused = client().actor("alice").send(Request::get(peer.url)).await;
    let refused = refused.err();
    assert!(
        matches!(refused, Some(RunError::Unreachable { .. })),
        "{refused:?}"
    );
    assert!(peer.log.arrivals().is_empty());
}
