//! Where documents are, and how they are spoken of there.

use std::net::SocketAddr;

/// What a server understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// Documents at paths, with entity tags: Detente, and what stands in for it.
    Http,
    /// Keys and revisions, through etcd's gateway.
    Etcd,
}

/// A server, as its clients see it.
#[derive(Clone)]
pub(crate) struct Site {
    pub address: SocketAddr,
    pub dialect: Dialect,
    /// The space that documents lie in; none is the server's own default.
    pub space: Option<String>,
    /// Whether writes ask for an answer without the document.
    pub minimal: bool,
}

impl Site {
    /// Where a collection or a document of the site's space is.
    pub(super) fn path(&self, below: &[u8]) -> Vec<u8> {
        match &self.space {
            Some(space) => [b"/spaces/", space.as_bytes(), below].concat(),
            None => below.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_stands_before_the_path() {
        let mut site = Site {
            address: SocketAddr::from(([127, 0, 0, 1], 80)),
            dialect: Dialect::Http,
            space: None,
            minimal: false,
        };
        assert_eq!(site.path(b"/api/x"), b"/api/x");
        site.space = Some("a".to_owned());
        assert_eq!(site.path(b"/api/x"), b"/spaces/a/api/x");
    }
}
