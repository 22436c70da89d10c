use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// What somebody is told who speaks HTTP where TLS is spoken.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 54\r\n\
    Connection: close\r\n\r\n\
    TLS is spoken here: the URL must begin with https://.\n";

/// What is read of such a request at most, so that closing does not take the answer away.
const PLAIN_BYTES: usize = 64 * 1024;

/// A connection over TLS. Its handshake takes place when it is first read: so on its own task, and
/// within the time and the number that connections have.
pub(crate) struct Tls(State);

enum State {
    /// Nothing came yet.
    New(TcpStream, Arc<ServerConfig>),
    Greeting(Accept<TcpStream>),
    Open(TlsStream<TcpStream>),
    /// The handshake came to nothing.
    Failed,
}

impl Tls {
    pub(crate) fn new(stream: TcpStream, config: Arc<ServerConfig>) -> Self {
        Self(State::New(stream, config))
    }

    /// The stream, once the handshake is done.
    fn poll_open(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut TlsStream<TcpStream>>>> {
        if !matches!(self.0, State::Open(_)) {
            let done = ready!(self.poll_greet(context));
            self.0 = match done {
                Ok(stream) => State::Open(stream),
                Err(error) => {
                    self.0 = State::Failed;
                    return Poll::Ready(Err(error));
                }
            };
        }
        match &mut self.0 {
            State::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_greet(&mut self, context: &mut Context<'_>) -> Poll<io::Result<TlsStream<TcpStream>>> {
        if let State::New(stream, _) = &mut self.0 {
            let first = ready!(poll_first(stream, context))?;
            // A handshake begins with 22 (RFC 8446, section 5.1), a request with a method.
            if first.is_ascii_uppercase() {
                tell_plain(stream, context);
                return Poll::Ready(Err(plain()));
            }
        }
        self.0 = match std::mem::replace(&mut self.0, State::Failed) {
            State::New(stream, config) => State::Greeting(TlsAcceptor::from(config).accept(stream)),
            other => other,
        };
        match &mut self.0 {
            State::Greeting(accept) => Pin::new(accept).poll(context),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

/// The first byte that comes, which is left where it is.
fn poll_first(stream: &TcpStream, context: &mut Context<'_>) -> Poll<io::Result<u8>> {
    let mut first = [0];
    let count = ready!(stream.poll_peek(context, &mut ReadBuf::new(&mut first)))?;
    Poll::Ready(match count {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0]),
    })
}

/// Answers whoever speaks HTTP here, as far as that goes at once.
fn tell_plain(stream: &mut TcpStream, context: &mut Context<'_>) {
    let mut request = [0; 4096];
    for _ in 0..PLAIN_BYTES / request.len() {
        if !stream.try_read(&mut request).is_ok_and(|count| count > 0) {
            break;
        }
    }
    // They are closed on in any case.
    let _ = stream.try_write(PLAIN.as_bytes());
    let _ = Pin::new(stream).poll_shutdown(context);
}

fn plain() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "HTTP was spoken where TLS must be",
    )
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::New(..) => "New",
            State::Greeting(_) => "Greeting",
            State::Open(_) => "Open",
            State::Failed => "Failed",
        })
    }
}

impl AsyncRead for Tls {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Open(stream) => Pin::new(stream).poll_flush(context),
            // Nothing was written.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            State::Open(stream) => Pin::new(stream).poll_shutdown(context),
            State::New(stream, _) => Pin::new(stream).poll_shutdown(context),
            State::Greeting(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(context))?.poll_write_vectored(context, slices)
    }

    /// Asked once, perhaps before there is a stream; the stream takes several at once, and makes one
    /// record of them.
    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let (head, body) = PLAIN.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
    }
}
