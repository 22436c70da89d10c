use crate::sql;

/// An empty database. It stays for as long as its cluster.
#[derive(Clone, Debug)]
pub struct Database {
    url: String,
}

impl Database {
    pub(crate) fn at(url: String) -> Database {
        Database { url }
    }

    /// `postgres://postgres@127.0.0.1:<port>/<name>`, without a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What `statements` answer, in one transaction: a line for each row, columns separated by `|`.
    ///
    /// Panics if they fail.
    pub fn run_sql(&self, statements: &str) -> String {
        sql::run(&self.url, statements)
    }
}
