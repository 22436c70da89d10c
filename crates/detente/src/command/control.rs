//! How the commands of one machine talk with a server on it: over a socket in its data folder.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// The name of the socket.
const SOCKET: &str = "control.sock";

/// Longest message that is taken, in bytes.
const MAX_MESSAGE: u64 = 1024;

/// Where a server listens for other commands. The file goes with the value.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens in a data folder. A socket that is there and that nobody answers at was left behind: a
    /// folder with data is held by this process, but servers on a database may share one.
    ///
    /// # Errors
    ///
    /// If another server listens there, the path is longer than one of a socket may be, or the folder
    /// cannot be written.
    pub(super) fn listen(data: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(data)?;
        let path = data.join(SOCKET);
        if UnixStream::connect(&path).is_ok() {
            let other = format!("another server listens in {}", data.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, other));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers one message after the other, for ever.
    pub(super) async fn serve(self, answer: impl Fn(&str) -> String) {
        let own = rustix::process::geteuid().as_raw();
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            // Whoever connected before the permissions were set is asked for here.
            let is_allowed = |peer: tokio::net::unix::UCred| [0, own].contains(&peer.uid());
            if !stream.peer_cred().is_ok_and(is_allowed) {
                continue;
            }
            let exchange = async {
                let mut stream = stream;
                let mut message = String::new();
                let mut bounded = (&mut stream).take(MAX_MESSAGE);
                bounded.read_to_string(&mut message).await?;
                stream.write_all(answer(message.trim()).as_bytes()).await?;
                stream.shutdown().await
            };
            // A client that says nothing keeps nobody else from asking for long.
            let limit = std::time::Duration::from_secs(10);
            if let Ok(Err(error)) = tokio::time::timeout(limit, exchange).await {
                tracing::debug!(%error, "a command went away");
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Sends a message to the server on a data folder, and returns its answer.
///
/// # Errors
///
/// If no server listens there, or it does not answer.
pub(super) fn ask(data: &Path, message: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(data.join(SOCKET))?;
    stream.write_all(message.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
