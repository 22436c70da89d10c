//! One connection over TLS that stays open, request after request; and curl.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::server::Server;

pub(super) struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    pub(super) fn open(server: &Server) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(server.path("ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(server.address()).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(StreamOwned::new(session, socket))
    }

    /// The status of what is there.
    pub(super) fn get(&mut self, path: &str) -> u16 {
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.lines().next().unwrap().parse().unwrap();
        self.0.read_exact(&mut vec![0; length]).unwrap();
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The certificate that the server showed.
    pub(super) fn certificate(&self) -> &[u8] {
        let shown = self.0.conn.peer_certificates();
        shown.expect("the handshake is done").first().unwrap()
    }

    /// What comes at the end; an error if the connection was cut off without a word.
    pub(super) fn rest(&mut self) -> std::io::Result<usize> {
        self.0.read_to_end(&mut Vec::new())
    }
}

/// curl, which trusts `ca` alone.
pub(super) fn curl(ca: &Path) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--max-time", "60", "--cacert"])
        .arg(ca);
    curl
}

pub(super) fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
