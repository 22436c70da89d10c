use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::Notify;

use super::stream::Stream;

/// RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// RFC 9113, section 4.1.
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;

/// A connection on which the frames that end a request can be held back.
///
/// What is written passes through frame by frame. With the gate closed, a frame that would end a stream goes out without
/// its last byte, and that byte is kept as a frame of its own (DATA, END_STREAM); a head without content keeps an empty
/// one. Opened, the gate sends all that was kept in a single write.
pub(super) struct Gated {
    read: ReadHalf<Stream>,
    gate: Gate,
}

/// The writing side, shared with whoever opens and closes.
#[derive(Clone)]
pub(super) struct Gate {
    state: Arc<Mutex<State>>,
    kept_more: Arc<Notify>,
}

struct State {
    write: WriteHalf<Stream>,
    /// Bytes of frames that are not whole yet.
    partial: Vec<u8>,
    /// Bytes that may go out.
    out: Vec<u8>,
    /// Frames that end streams, kept back.
    kept: Vec<u8>,
    streams_kept: usize,
    is_closed: bool,
    has_begun: bool,
}

impl Gated {
    pub(super) fn new(stream: Stream) -> (Self, Gate) {
        let (read, write) = tokio::io::split(stream);
        let gate = Gate {
            state: Arc::new(Mutex::new(State {
                write,
                partial: Vec::new(),
                out: Vec::new(),
                kept: Vec::new(),
                streams_kept: 0,
                is_closed: false,
                has_begun: false,
            })),
            kept_more: Arc::default(),
        };
        (
            Self {
                read,
                gate: gate.clone(),
            },
            gate,
        )
    }
}

impl Gate {
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Waits until as many streams have all but their end outside.
    pub(super) async fn keeps(&self, streams: usize) {
        loop {
            let more = self.kept_more.notified();
            if self.lock().streams_kept >= streams {
                return;
            }
            more.await;
        }
    }

    /// Sends what was kept, in one write if the connection takes it. When it left.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub(super) async fn open(&self) -> io::Result<(Instant, Instant)> {
        let mut first = None;
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            let begun = *first.get_or_insert_with(Instant::now);
            state.is_closed = false;
            state.streams_kept = 0;
            let kept = std::mem::take(&mut state.kept);
            state.out.extend_from_slice(&kept);
            match state.send(context) {
                Poll::Ready(sent) => Poll::Ready(sent.map(|()| (begun, Instant::now()))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl State {
    /// Takes bytes of a frame, or several; those that are whole may go out, or are kept.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.partial.extend_from_slice(bytes);
        if !self.has_begun {
            if self.partial.len() < PREFACE.len() {
                return false;
            }
            let rest = self.partial.split_off(PREFACE.len());
            self.out.append(&mut self.partial);
            self.partial = rest;
            self.has_begun = true;
        }
        let mut used = 0;
        let before = self.streams_kept;
        while let Some(length) = frame_length(&self.partial[used..]) {
            let frame = &self.partial[used..used + length];
            let ends = matches!(frame[3], DATA | HEADERS) && frame[4] & END_STREAM != 0;
            if self.is_closed && ends {
                keep(frame, &mut self.out, &mut self.kept);
                self.streams_kept += 1;
            } else {
                self.out.extend_from_slice(frame);
            }
            used += length;
        }
        self.partial.drain(..used);
        self.streams_kept > before
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            match Pin::new(&mut self.write).poll_write(context, &self.out) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => drop(self.out.drain(..count)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut self.write).poll_flush(context)
    }
}

/// The length of the frame at the start of `bytes`, its head included; `None` if it is not all there.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let [high, middle, low, ..] = *bytes else {
        return None;
    };
    let length = HEAD + (usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low));
    (bytes.len() >= length).then_some(length)
}

/// Divides a frame that ends a stream: all but its last byte, and that byte with the end.
fn keep(frame: &[u8], out: &mut Vec<u8>, kept: &mut Vec<u8>) {
    let stream = &frame[5..HEAD];
    let content = &frame[HEAD..];
    let last = match frame[3] {
        // A head goes out whole; what is kept back ends it without content.
        HEADERS => content.len(),
        _ => content.len().saturating_sub(1),
    };
    if frame[3] == HEADERS || last > 0 {
        push(
            out,
            frame[3],
            frame[4] & !END_STREAM,
            stream,
            &content[..last],
        );
    }
    push(kept, DATA, END_STREAM, stream, &content[last..]);
}

fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: &[u8], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.push(kind);
    out.push(flags);
    out.extend_from_slice(stream);
    out.extend_from_slice(content);
}

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.gate.lock();
        // What waits goes first, so that no more than one buffer gathers here.
        if !state.out.is_empty() {
            match state.send(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        let keeps_more = state.take(bytes);
        drop(state);
        if keeps_more {
            self.gate.kept_more.notify_waiters();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.gate.lock().send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.gate.lock();
        match state.send(context) {
            Poll::Ready(Ok(())) => Pin::new(&mut state.write).poll_shutdown(context),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        push(&mut bytes, kind, flags, &[0, 0, 0, stream], content);
        bytes
    }

    #[test]
    fn the_end_of_a_stream_is_kept_back() {
        let cases = [
            // (frame, what goes out, what is kept)
            (
                frame(DATA, END_STREAM, 1, b"abc"),
                frame(DATA, 0, 1, b"ab"),
                frame(DATA, END_STREAM, 1, b"c"),
            ),
            (
                frame(DATA, END_STREAM, 3, b"c"),
                Vec::new(),
                frame(DATA, END_STREAM, 3, b"c"),
            ),
            (
                frame(HEADERS, END_STREAM | 4, 5, b"head"),
                frame(HEADERS, 4, 5, b"head"),
                frame(DATA, END_STREAM, 5, b""),
            ),
        ];
        for (whole, expected_out, expected_kept) in cases {
            let (mut out, mut kept) = (Vec::new(), Vec::new());
            assert_eq!(frame_length(&whole), Some(whole.len()));
            assert_eq!(frame_length(&whole[..whole.len() - 1]), None);
            keep(&whole, &mut out, &mut kept);
            assert_eq!(out, expected_out, "{whole:?}");
            assert_eq!(kept, expected_kept, "{whole:?}");
        }
    }
}
