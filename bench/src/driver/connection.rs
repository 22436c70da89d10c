//! One keep-alive HTTP/1.1 connection.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::etcd;
use super::response::{self, Head};
use super::site::{Dialect, Site};
use super::tag::Tag;

/// Room for the head and a document of 1 KiB; larger answers make it grow.
const BUFFER_BYTES: usize = 4096;

/// One request at a time, so that what is in the buffer is one response and nothing of the next.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    dialect: Dialect,
    /// The body of an answer in another dialect, in terms of documents.
    translated: Vec<u8>,
}

/// A response; its body stays in the buffer of the connection.
pub(crate) struct Answer<'a> {
    pub status: u16,
    pub tag: Option<Tag>,
    pub body: &'a [u8],
}

impl Connection {
    /// # Errors
    ///
    /// When nobody listens there.
    pub(crate) async fn to(site: &Site) -> Result<Connection> {
        Ok(Connection {
            dialect: site.dialect,
            ..Connection::open(site.address).await?
        })
    }

    /// # Errors
    ///
    /// When nobody listens there.
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            dialect: Dialect::Http,
            translated: Vec::new(),
        })
    }

    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or what arrives is not one response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let (head, filled) = self.read_head().await?;
        let end = head.head_bytes + head.body_bytes;
        self.read_to(filled, end).await?;
        if self.dialect == Dialect::Etcd {
            let meaning = etcd::read(head.status, &self.buffer[head.head_bytes..end])?;
            self.translated = meaning.body;
            return Ok(Answer {
                status: meaning.status,
                tag: meaning.tag,
                body: &self.translated,
            });
        }
        Ok(Answer {
            status: head.status,
            tag: head.tag,
            body: &self.buffer[head.head_bytes..end],
        })
    }

    async fn read_head(&mut self) -> Result<(Head, usize)> {
        let mut filled = 0;
        loop {
            filled += self.read_more(filled).await?;
            if let Some(head) = response::parse(&self.buffer[..filled])? {
                return Ok((head, filled));
            }
        }
    }

    async fn read_to(&mut self, mut filled: usize, end: usize) -> Result<()> {
        while filled < end {
            filled += self.read_more(filled).await?;
        }
        ensure!(filled == end, "bytes after the end of a response");
        Ok(())
    }

    async fn read_more(&mut self, filled: usize) -> Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(2 * filled, 0);
        }
        match self.stream.read(&mut self.buffer[filled..]).await? {
            0 => bail!("the server closed the connection"),
            bytes => Ok(bytes),
        }
    }
}
