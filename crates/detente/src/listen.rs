//! Where the server listens, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port, as the system resolves them.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an address and a port, such as 127.0.0.1:4090, a port alone, or unix: and the path of a socket"
)]
/// A text that names no place to listen.
pub struct NotAPlace;

impl FromStr for Listen {
    type Err = NotAPlace;

    /// A port alone, with a colon or without, is one of this machine: the store must not be open to
    /// the network because somebody wrote less.
    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path = !path.is_empty();
            return is_path.then(|| Self::Unix(path.into())).ok_or(NotAPlace);
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        match (is_port, host) {
            (false, _) => Err(NotAPlace),
            (true, "") => Ok(Self::Tcp(format!("127.0.0.1:{port}"))),
            (true, _) => Ok(Self::Tcp(text.to_owned())),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let tcp = |address: &str| Ok(Listen::Tcp(address.to_owned()));
        let cases = [
            ("127.0.0.1:4090", tcp("127.0.0.1:4090")),
            ("0.0.0.0:80", tcp("0.0.0.0:80")),
            ("[::1]:4090", tcp("[::1]:4090")),
            ("localhost:0", tcp("localhost:0")),
            ("4095", tcp("127.0.0.1:4095")),
            (":4095", tcp("127.0.0.1:4095")),
            (
                "unix:/run/detente.sock",
                Ok(Listen::Unix("/run/detente.sock".into())),
            ),
            ("unix:", Err(NotAPlace)),
            ("localhost", Err(NotAPlace)),
            ("localhost:", Err(NotAPlace)),
            (":+80", Err(NotAPlace)),
            ("65536", Err(NotAPlace)),
            ("", Err(NotAPlace)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }
}
