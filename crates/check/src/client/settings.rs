use std::time::Duration;

use crate::model::Protocol;
use http::HeaderMap;

/// How requests get there.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For an answer, from the first byte of the request.
    pub timeout: Duration,
    /// Speak only this. `None`: HTTP/1.1 where the server does, otherwise HTTP/2; races across protocols use both.
    pub protocol: Option<Protocol>,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// Requests in all.
    pub budget: u32,
    /// Accept any certificate.
    pub insecure: bool,
    /// Allow hosts other than this machine.
    pub allow_remote: bool,
}

impl Settings {
    /// What is used where nobody says otherwise.
    pub fn usual() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            protocol: None,
            headers: HeaderMap::new(),
            budget: 100_000,
            insecure: false,
            allow_remote: false,
        }
    }
}
