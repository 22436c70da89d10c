use std::io;
use std::io::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Position;

use super::stream::Stream;
use super::{MOST_CONTENT, MOST_HEAD, USER_AGENT, lost};
use crate::model::{Request, Response, Unsure};

const MOST_FIELDS: usize = 128;
const FIRST_READ: usize = 8 << 10;
const LEAST_READ: usize = 2 << 10;

/// One connection that speaks HTTP/1.1 (RFC 9112), one request at a time.
pub(crate) struct Http1 {
    stream: Stream,
    /// The request's bytes, kept for the next one.
    out: Vec<u8>,
    /// What was read and not used yet.
    read: Vec<u8>,
    /// Another request may follow.
    can_go_on: bool,
}

impl Http1 {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            out: Vec::with_capacity(2048),
            read: Vec::with_capacity(FIRST_READ),
            can_go_on: true,
        }
    }

    /// Whether a request may be sent: nobody closed it, and nothing stands in it that nobody asked for.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.can_go_on
            && self.read.is_empty()
            && matches!(self.stream.read_now(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(crate) fn can_go_on(&self) -> bool {
        self.can_go_on
    }

    /// Sends all of a request but its last byte.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection breaks.
    pub(crate) async fn send_but_last(&mut self, request: &Request) -> Result<(), Unsure> {
        self.encode(request);
        let last = self.out.len() - 1;
        write(&mut self.stream, &self.out[..last]).await
    }

    /// Sends the last byte, without waiting.
    ///
    /// # Errors
    ///
    /// Those of the connection; [`io::ErrorKind::WouldBlock`] if the byte does not fit.
    pub(crate) fn release_now(&mut self) -> io::Result<()> {
        let last = self.out.len() - 1;
        self.stream.write_now(&self.out[last..]).map(drop)
    }

    /// Sends the last byte.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection breaks.
    pub(crate) async fn release(&mut self) -> Result<(), Unsure> {
        let last = self.out.len() - 1;
        write(&mut self.stream, &self.out[last..]).await
    }

    /// Sends a whole request.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection breaks.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<(), Unsure> {
        self.encode(request);
        write(&mut self.stream, &self.out).await
    }

    /// Whether something came already, be it an answer or the end.
    pub(crate) fn has_something(&mut self) -> bool {
        if !self.read.is_empty() {
            return true;
        }
        let mut bytes = [0; 1024];
        match self.stream.read_now(&mut bytes) {
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                true
            }
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    fn encode(&mut self, request: &Request) {
        let out = &mut self.out;
        out.clear();
        let target = &request.url[Position::BeforePath..Position::AfterQuery];
        out.extend_from_slice(request.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if !request.headers.contains_key(header::HOST) {
            let host = &request.url[Position::BeforeHost..Position::AfterPort];
            out.extend_from_slice(b"host: ");
            out.extend_from_slice(host.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if !request.headers.contains_key(header::USER_AGENT) {
            out.extend_from_slice(b"user-agent: ");
            out.extend_from_slice(USER_AGENT.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        for (name, value) in &request.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        let has_content = !request.body.is_empty()
            || matches!(request.method, Method::PUT | Method::POST | Method::PATCH);
        if has_content && !request.headers.contains_key(header::CONTENT_LENGTH) {
            write!(out, "content-length: {}\r\n", request.body.len())
                .expect("memory takes what is written");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&request.body);
    }

    /// Reads the final response to a request of `method`.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection breaks or what comes is not HTTP.
    pub(crate) async fn receive(&mut self, method: &Method) -> Result<Response, Unsure> {
        loop {
            let head = self.head().await?;
            // Interim answers come before the final one (RFC 9110, section 15.2).
            if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                continue;
            }
            let body = self.content(method, &head).await?;
            self.can_go_on &= head.keeps_open && head.status != StatusCode::SWITCHING_PROTOCOLS;
            return Ok(Response {
                status: head.status,
                headers: head.headers,
                body,
            });
        }
    }

    async fn head(&mut self) -> Result<Head, Unsure> {
        let mut tried = 0;
        loop {
            // Parsed again only when there is more.
            if self.read.len() > tried {
                if let Some(head) = Head::parse(&mut self.read)? {
                    return Ok(head);
                }
                tried = self.read.len();
            }
            if self.read.len() > MOST_HEAD {
                return Err(Unsure::Malformed("its head does not end".into()));
            }
            if self.more().await? == 0 {
                return Err(lost("closed before an answer"));
            }
        }
    }

    /// RFC 9112, section 6.3.
    async fn content(&mut self, method: &Method, head: &Head) -> Result<Bytes, Unsure> {
        let has_none = *method == Method::HEAD
            || matches!(
                head.status,
                StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        if has_none {
            return Ok(Bytes::new());
        }
        match head.length {
            Length::Known(length) => self.take(length).await,
            Length::Chunked => self.chunks().await,
            Length::UntilClose => {
                self.can_go_on = false;
                while self.more().await? > 0 {
                    within(self.read.len())?;
                }
                Ok(std::mem::take(&mut self.read).into())
            }
        }
    }

    async fn chunks(&mut self) -> Result<Bytes, Unsure> {
        let mut content = Vec::new();
        loop {
            let size = loop {
                match httparse::parse_chunk_size(&self.read) {
                    Ok(httparse::Status::Complete((used, size))) => {
                        self.read.drain(..used);
                        break usize::try_from(size).unwrap_or(usize::MAX);
                    }
                    Ok(httparse::Status::Partial) => self.must_have_more().await?,
                    Err(_) => return Err(Unsure::Malformed("the size of a chunk is none".into())),
                }
            };
            within(content.len().saturating_add(size))?;
            if size == 0 {
                self.trailers().await?;
                return Ok(content.into());
            }
            content.extend_from_slice(&self.take(size).await?);
            if &self.take(2).await?[..] != b"\r\n" {
                return Err(Unsure::Malformed(
                    "a chunk does not end where it should".into(),
                ));
            }
        }
    }

    /// Fields after the last chunk: read, and of no interest.
    async fn trailers(&mut self) -> Result<(), Unsure> {
        loop {
            while !self.read.windows(2).any(|pair| pair == b"\r\n") {
                if self.read.len() > MOST_HEAD {
                    return Err(Unsure::Malformed("its trailers do not end".into()));
                }
                self.must_have_more().await?;
            }
            let end = self
                .read
                .windows(2)
                .position(|pair| pair == b"\r\n")
                .unwrap_or(0);
            self.read.drain(..end + 2);
            if end == 0 {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, count: usize) -> Result<Bytes, Unsure> {
        within(count)?;
        while self.read.len() < count {
            self.must_have_more().await?;
        }
        // Copied: the buffer is for the next answer, too.
        let content = Bytes::copy_from_slice(&self.read[..count]);
        self.read.drain(..count);
        Ok(content)
    }

    async fn must_have_more(&mut self) -> Result<(), Unsure> {
        match self.more().await? {
            0 => Err(lost("closed in the midst of an answer")),
            _ => Ok(()),
        }
    }

    async fn more(&mut self) -> Result<usize, Unsure> {
        if self.read.capacity() - self.read.len() < LEAST_READ {
            self.read.reserve(FIRST_READ);
        }
        self.stream.read_buf(&mut self.read).await.map_err(lost)
    }
}

async fn write(stream: &mut Stream, bytes: &[u8]) -> Result<(), Unsure> {
    stream.write_all(bytes).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}

fn within(length: usize) -> Result<(), Unsure> {
    if length > MOST_CONTENT {
        return Err(Unsure::Malformed(format!(
            "its content is larger than {} MiB",
            MOST_CONTENT >> 20
        )));
    }
    Ok(())
}

struct Head {
    status: StatusCode,
    headers: HeaderMap,
    length: Length,
    keeps_open: bool,
}

enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

impl Head {
    /// Takes a head from what was read; `None` if it is not all there.
    fn parse(read: &mut Vec<u8>) -> Result<Option<Self>, Unsure> {
        let malformed = |error: &dyn std::fmt::Display| Unsure::Malformed(error.to_string());
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let used = match response.parse(read).map_err(|error| malformed(&error))? {
            httparse::Status::Complete(used) => used,
            httparse::Status::Partial => return Ok(None),
        };
        let status =
            StatusCode::from_u16(response.code.unwrap_or(0)).map_err(|error| malformed(&error))?;
        let mut headers = HeaderMap::with_capacity(response.headers.len());
        for field in response.headers.iter() {
            headers.append(
                HeaderName::from_bytes(field.name.as_bytes()).map_err(|error| malformed(&error))?,
                HeaderValue::from_bytes(field.value).map_err(|error| malformed(&error))?,
            );
        }
        let is_one = response.version == Some(1);
        read.drain(..used);
        let says = |token: &str| {
            headers.get_all(header::CONNECTION).iter().any(|value| {
                value.to_str().is_ok_and(|value| {
                    value
                        .split(',')
                        .any(|it| it.trim().eq_ignore_ascii_case(token))
                })
            })
        };
        let keeps_open = if is_one {
            !says("close")
        } else {
            says("keep-alive")
        };
        Ok(Some(Self {
            length: length(&headers)?,
            status,
            keeps_open,
            headers,
        }))
    }
}

fn length(headers: &HeaderMap) -> Result<Length, Unsure> {
    if let Some(coding) = headers
        .get_all(header::TRANSFER_ENCODING)
        .iter()
        .next_back()
    {
        let is_chunked = coding.to_str().is_ok_and(|coding| {
            coding
                .rsplit(',')
                .next()
                .is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked"))
        });
        return Ok(if is_chunked {
            Length::Chunked
        } else {
            Length::UntilClose
        });
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return Ok(Length::UntilClose);
    };
    if lengths.any(|other| other != first) {
        return Err(Unsure::Malformed("it has two lengths".into()));
    }
    first
        .to_str()
        .ok()
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|value| value.parse().ok())
        .map(Length::Known)
        .ok_or_else(|| Unsure::Malformed("its length is no number".into()))
}
