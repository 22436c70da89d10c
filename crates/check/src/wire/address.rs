use std::net::SocketAddr;

use crate::model::RunError;
use url::Url;

/// Scheme, host and port: what a connection is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub is_tls: bool,
    pub host: String,
    pub port: u16,
}

/// An origin, and the addresses behind it.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub origin: Origin,
    pub addresses: Vec<SocketAddr>,
}

impl Origin {
    /// # Errors
    ///
    /// [`RunError::NotHttp`] if the URL is none of HTTP.
    pub(crate) fn of(url: &Url) -> Result<Self, RunError> {
        let not_http = || RunError::NotHttp { url: url.clone() };
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(not_http()),
        };
        Ok(Self {
            is_tls,
            host: url.host_str().ok_or_else(not_http)?.to_owned(),
            port: url.port_or_known_default().ok_or_else(not_http)?,
        })
    }
}

impl Route {
    /// Finds out where the origin is; a host that is not this machine has to be allowed.
    ///
    /// # Errors
    ///
    /// [`RunError::Unreachable`] if the name leads nowhere, [`RunError::RemoteNotAllowed`] if it leads away.
    pub(crate) async fn find(
        origin: Origin,
        url: &Url,
        allow_remote: bool,
    ) -> Result<Self, RunError> {
        let host = origin.host.trim_matches(['[', ']']).to_owned();
        let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), origin.port))
            .await
            .map_err(|source| RunError::Unreachable {
                url: url.clone(),
                source,
            })?
            .collect();
        if !allow_remote && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(RunError::RemoteNotAllowed { host });
        }
        Ok(Self { origin, addresses })
    }
}
