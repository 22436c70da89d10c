use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::certificates::Certificates;
use crate::tls::Tls;

/// Where connections come in.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// As people and clients name it.
    address: String,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Tls(TcpListener, Certificates),
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
}

/// The file of a socket, which goes with the listener.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens on an address and a port; port 0 is a free one.
    ///
    /// # Errors
    ///
    /// If the address is none of this machine's, or in use.
    pub async fn tcp(address: &str) -> io::Result<Self> {
        let (listener, address) = bind(address).await?;
        Ok(Self {
            socket: Socket::Tcp(listener),
            address,
        })
    }

    /// As [`Listener::tcp`], with TLS on every connection.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn tls(address: &str, certificates: Certificates) -> io::Result<Self> {
        let (listener, address) = bind(address).await?;
        Ok(Self {
            socket: Socket::Tls(listener, certificates),
            address,
        })
    }

    /// Listens on a socket in the file system. One that a server left behind that is no more is
    /// replaced.
    ///
    /// # Errors
    ///
    /// If there is another file, or a server that listens.
    pub fn unix(path: &Path) -> io::Result<Self> {
        if is_abandoned(path) {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        Ok(Self {
            socket: Socket::Unix {
                listener,
                _file: SocketFile(path.to_owned()),
            },
            address: format!("unix:{}", path.display()),
        })
    }

    /// Whether nothing but this machine can reach it.
    pub fn is_of_this_machine(&self) -> bool {
        match &self.socket {
            Socket::Tcp(listener) | Socket::Tls(listener, _) => listener
                .local_addr()
                .is_ok_and(|address| address.ip().is_loopback()),
            Socket::Unix { .. } => true,
        }
    }

    /// The URL of the server behind it, unless it has none.
    pub fn url(&self) -> Option<String> {
        match self.socket {
            Socket::Tcp(_) => Some(format!("http://{}", self.address)),
            Socket::Tls(..) => Some(format!("https://{}", self.address)),
            Socket::Unix { .. } => None,
        }
    }

    /// What it shows to clients, if it speaks TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        match &self.socket {
            Socket::Tls(_, certificates) => Some(certificates),
            Socket::Tcp(_) | Socket::Unix { .. } => None,
        }
    }

    /// The next connection, and the address of whoever opened it if they have one.
    pub(crate) async fn accept(&self) -> io::Result<(Connection, Option<IpAddr>)> {
        Ok(match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = accept_tcp(listener).await?;
                (Connection::Tcp(stream), Some(peer))
            }
            Socket::Tls(listener, certificates) => {
                let (stream, peer) = accept_tcp(listener).await?;
                let tls = Tls::new(stream, certificates.current());
                (Connection::Tls(Box::new(tls)), Some(peer))
            }
            Socket::Unix { listener, .. } => (Connection::Unix(listener.accept().await?.0), None),
        })
    }
}

/// A listener, and the address that it came to have.
async fn bind(address: &str) -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?.to_string();
    Ok((listener, address))
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, IpAddr)> {
    let (stream, peer) = listener.accept().await?;
    // Answers are small and whole: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    Ok((stream, peer.ip()))
}

/// Whether a socket is there on which nobody listens.
fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
    let refuses = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refuses)
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// One connection, of any kind.
#[derive(Debug)]
pub(crate) enum Connection {
    Tcp(TcpStream),
    // Boxed: a plain connection must not take the room of one with TLS.
    Tls(Box<Tls>),
    Unix(UnixStream),
}

macro_rules! any {
    ($connection:expr, $stream:ident => $call:expr) => {
        match $connection.get_mut() {
            Connection::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Connection::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
            Connection::Unix(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Connection {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        any!(self, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        any!(self, stream => stream.poll_write(context, bytes))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        any!(self, stream => stream.poll_flush(context))
    }

    #[inline]
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        any!(self, stream => stream.poll_shutdown(context))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        any!(self, stream => stream.poll_write_vectored(context, slices))
    }

    #[inline]
    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }
}
