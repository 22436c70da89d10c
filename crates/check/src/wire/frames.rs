use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::arrivals::{Arrivals, stream_of};
use super::stream::Stream;

/// RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// RFC 9113, section 4.1.
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;

/// A connection on which the frames that end a request can be held back.
///
/// What is written passes through frame by frame. With the gate closed, a frame that would end a stream goes out without
/// its last byte, and that byte is kept as a frame of its own (DATA, END_STREAM); a head without content keeps an empty
/// one. Opened, the gate sends all that was kept in a single write. What is read is looked at, too: whose answer came.
pub(super) struct Gated {
    gate: Gate,
}

/// The connection, shared by its task and whoever opens and closes.
#[derive(Clone)]
pub(super) struct Gate {
    state: Arc<Mutex<State>>,
    /// A request's end was kept, or the server's greeting was answered.
    changed: Arc<Notify>,
}

struct State {
    stream: Stream,
    /// Bytes of frames that are not whole yet.
    partial: Vec<u8>,
    /// Bytes that may go out.
    out: Vec<u8>,
    /// Frames that end streams, kept back.
    kept: Vec<u8>,
    /// The streams that those end.
    streams_kept: HashSet<u32>,
    is_closed: bool,
    has_begun: bool,
    has_greeted: bool,
    is_over: bool,
    arrivals: Arrivals,
    /// What was read and not passed on yet.
    read: Vec<u8>,
    /// The connection's task, where it waits: another may have read or written what it waits for.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Gated {
    pub(super) fn new(stream: Stream) -> (Self, Gate) {
        let gate = Gate {
            state: Arc::new(Mutex::new(State {
                stream,
                partial: Vec::new(),
                out: Vec::new(),
                kept: Vec::new(),
                streams_kept: HashSet::new(),
                is_closed: false,
                has_begun: false,
                has_greeted: false,
                is_over: false,
                arrivals: Arrivals::default(),
                read: Vec::new(),
                reader: None,
                writer: None,
            })),
            changed: Arc::default(),
        };
        (Self { gate: gate.clone() }, gate)
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.gate.lock().is_over = true;
        self.gate.changed.notify_waiters();
    }
}

impl Gate {
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.streams_kept.clear();
        state.arrivals.answered.clear();
    }

    /// Waits until the server's settings were taken in; `false` if the connection ended before.
    pub(super) async fn has_greeted(&self) -> bool {
        self.until(|state| state.has_greeted || state.is_over).await;
        !self.lock().is_over
    }

    /// Waits until as many streams have all but their end outside, or an answer already, or the connection is over.
    pub(super) async fn keeps(&self, streams: usize) {
        self.until(|state| {
            let answered = state.arrivals.answered.union(&state.streams_kept);
            answered.count() >= streams || state.is_over
        })
        .await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let more = self.changed.notified();
            if holds(&self.lock()) {
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
            let kept = std::mem::take(&mut state.kept);
            state.out.extend_from_slice(&kept);
            let sent = ready!(state.send(context));
            let ended = Instant::now();
            if let Some(writer) = state.writer.take() {
                writer.wake();
            }
            Poll::Ready(sent.map(|()| (begun, ended)))
        })
        .await
    }

    /// Whether the stream's end was released, and no part of an answer is here.
    pub(super) fn is_under_way(&self, stream: u32) -> bool {
        let state = self.look();
        !state.is_over && state.streams_kept.contains(&stream) && !state.has_answer(stream)
    }

    /// Whether a part of an answer is here already, or none can come any more.
    pub(super) fn is_answered(&self, stream: u32) -> bool {
        let state = self.look();
        state.is_over || state.has_answer(stream)
    }

    /// Takes in what has come until now.
    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.read_all_now();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl State {
    /// Takes bytes of a frame, or several; those that are whole may go out, or are kept. Whether somebody may have
    /// waited for one of them.
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
        let mut has_changed = false;
        while let Some(length) = frame_length(&self.partial[used..]) {
            let frame = &self.partial[used..used + length];
            let ends = matches!(frame[3], DATA | HEADERS) && frame[4] & END_STREAM != 0;
            if frame[3] == SETTINGS && frame[4] & ACK != 0 {
                self.has_greeted = true;
                has_changed = true;
            }
            if self.is_closed && ends {
                keep(frame, &mut self.out, &mut self.kept);
                self.streams_kept.insert(stream_of(frame));
                has_changed = true;
            } else {
                self.out.extend_from_slice(frame);
            }
            used += length;
        }
        self.partial.drain(..used);
        has_changed
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.out) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => drop(self.out.drain(..count)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Reads what is there. An end or an error is left to the connection's task, which meets it, too.
    fn read_all_now(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = self.stream.read_now(&mut bytes) {
            self.arrivals.see(&bytes[..count]);
            self.read.extend_from_slice(&bytes[..count]);
        }
        // The task will not be told by the system of what is no longer there.
        if !self.read.is_empty()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    fn has_answer(&self, stream: u32) -> bool {
        self.arrivals.answered.contains(&stream)
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
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.gate.lock();
        if !state.read.is_empty() {
            let count = state.read.len().min(buffer.remaining());
            buffer.put_slice(&state.read[..count]);
            state.read.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut state.stream).poll_read(context, buffer);
        if read.is_pending() {
            state.reader = Some(context.waker().clone());
            return read;
        }
        state.arrivals.see(&buffer.filled()[before..]);
        let is_watched = state.is_closed || !state.streams_kept.is_empty();
        if !is_watched {
            state.arrivals.answered.clear();
        }
        drop(state);
        if is_watched {
            self.gate.changed.notify_waiters();
        }
        read
    }
}

impl Gated {
    fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.gate.lock();
        let sent = state.send(context);
        if sent.is_pending() {
            state.writer = Some(context.waker().clone());
        }
        sent
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What waits goes first, so that no more than one buffer gathers here.
        if !self.gate.lock().out.is_empty() {
            ready!(self.poll_send(context))?;
        }
        if self.gate.lock().take(bytes) {
            self.gate.changed.notify_waiters();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.gate.lock().stream).poll_shutdown(context)
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
