use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Route;
use crate::model::Protocol;

/// A connection to be opened is tried as often, with growing waits.
const TRIES: u32 = 3;

/// TCP, with TLS or without.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How to open TLS connections.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
}

impl Stream {
    /// Opens a connection that will speak `protocol`.
    ///
    /// # Errors
    ///
    /// What the last of three tries came to.
    pub(crate) async fn open(
        route: &Route,
        protocol: Protocol,
        tls: &Tls,
        timeout: Duration,
    ) -> io::Result<Self> {
        let mut tries = 1;
        loop {
            let opened = tokio::time::timeout(timeout, Self::open_once(route, protocol, tls)).await;
            match opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => return Ok(stream),
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50) * tries).await,
            }
            tries += 1;
        }
    }

    async fn open_once(route: &Route, protocol: Protocol, tls: &Tls) -> io::Result<Self> {
        let tcp = TcpStream::connect(&route.addresses[..]).await?;
        tcp.set_nodelay(true)?;
        if !route.origin.is_tls {
            return Ok(Self::Plain(tcp));
        }
        let name = ServerName::try_from(route.origin.host.trim_matches(['[', ']']).to_owned())
            .map_err(io::Error::other)?;
        let connector = TlsConnector::from(tls.speaking(protocol));
        let stream = connector.connect(name, tcp).await.map_err(in_greeting)?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Writes without waiting: now or not at all, as many bytes as fit.
    ///
    /// Past the runtime, which lets a task do only so much before it makes it wait.
    ///
    /// # Errors
    ///
    /// Those of the connection; [`io::ErrorKind::WouldBlock`] if nothing fits.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => (&*SockRef::from(&*tcp)).write(bytes),
            Self::Tls(stream) => {
                let (tcp, session) = stream.get_mut();
                let socket = SockRef::from(&*tcp);
                let written = session.writer().write(bytes)?;
                while session.wants_write() {
                    session.write_tls(&mut &*socket)?;
                }
                Ok(written)
            }
        }
    }

    /// Reads without waiting what is there.
    ///
    /// It asks the system itself: what the runtime knows of a socket is as old as its last look at all of them, and
    /// between two looks an answer may have come.
    ///
    /// # Errors
    ///
    /// Those of the connection; [`io::ErrorKind::WouldBlock`] if nothing is there.
    pub(crate) fn read_now(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => (&*SockRef::from(&*tcp)).read(bytes),
            Self::Tls(stream) => {
                let (tcp, session) = stream.get_mut();
                let socket = SockRef::from(&*tcp);
                while session.wants_read() {
                    match session.read_tls(&mut &*socket) {
                        Ok(0) => break,
                        Ok(_) => session
                            .process_new_packets()
                            .map(drop)
                            .map_err(io::Error::other)?,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
                session.reader().read(bytes)
            }
        }
    }
}

/// Why TLS could not begin: most often because nobody speaks it there.
fn in_greeting(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|it| it.downcast_ref());
    let is_no_tls = matches!(inner, Some(rustls::Error::InvalidMessage(_)));
    if is_no_tls || error.kind() == io::ErrorKind::UnexpectedEof {
        let reason = "it did not answer with TLS: is it http://?";
        return io::Error::new(io::ErrorKind::InvalidData, reason);
    }
    error
}

impl Tls {
    /// Trusts what this machine trusts; with `insecure`, anybody.
    ///
    /// # Errors
    ///
    /// If the library cannot be set up.
    pub(crate) fn new(insecure: bool) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = if insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(anybody::Anybody(provider)))
                .with_no_client_auth()
        } else {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        Ok(Self {
            config: Arc::new(config),
        })
    }

    fn speaking(&self, protocol: Protocol) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        Arc::new(config)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A verifier that accepts any certificate, for servers under test that signed their own.
mod anybody {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub(super) struct Anybody(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let known = &self.0.signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, known)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let known = &self.0.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, known)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
