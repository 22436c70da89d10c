//! Where a PostgreSQL database is, as people write it.

use std::fmt;
use std::str::FromStr;

/// A connection URI of PostgreSQL (its manual, section 34.1.1.2).
///
/// Whatever shows it leaves the password out, and with it all parameters: one may be a password, too.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    shown: String,
}

/// Why a text is none. It never shows the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADatabase {
    #[error(
        "must be the URL of a PostgreSQL database, such as postgres://user@127.0.0.1:5432/name"
    )]
    Scheme,
    #[error("has blanks or control characters: write a blank as %20")]
    Blank,
    #[error("has / ? # or @ in the user's name or password: write them as %2F %3F %23 %40")]
    Credentials,
    #[error("names no host")]
    Host,
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    #[error("has a parameter without a value after its ?")]
    Parameter,
}

impl DatabaseUrl {
    /// All of it, the password included: for whoever connects.
    pub fn secret_text(&self) -> &str {
        &self.text
    }
}

impl FromStr for DatabaseUrl {
    type Err = NotADatabase;

    /// What a driver would read in another way than we do is refused: it could show a password.
    fn from_str(text: &str) -> Result<Self, NotADatabase> {
        let (scheme, rest) = text.split_once("://").ok_or(NotADatabase::Scheme)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(NotADatabase::Scheme);
        }
        if rest.contains(|it: char| it.is_whitespace() || it.is_control()) {
            return Err(NotADatabase::Blank);
        }
        let (user, place) = user(rest)?;
        let (place, parameters) = place.split_once('?').unwrap_or((place, ""));
        let parameters = self::parameters(parameters)?;
        let (hosts, _) = place.split_once('/').unwrap_or((place, ""));
        let is_named_later = parameters.iter().any(|(name, _)| *name == "host");
        if !(hosts.is_empty() && is_named_later) {
            hosts.split(',').try_for_each(host)?;
        }
        Ok(Self {
            text: text.to_owned(),
            shown: format!("{scheme}://{user}{place}"),
        })
    }
}

/// The user, with the `@` behind, and what follows.
fn user(rest: &str) -> Result<(String, &str), NotADatabase> {
    let Some((credentials, place)) = rest.split_once('@') else {
        return Ok((String::new(), rest));
    };
    if credentials.contains(['/', '?', '#']) || place.contains('@') {
        return Err(NotADatabase::Credentials);
    }
    let (user, _) = credentials.split_once(':').unwrap_or((credentials, ""));
    Ok((format!("{user}@"), place))
}

fn parameters(text: &str) -> Result<Vec<(&str, &str)>, NotADatabase> {
    let pairs = text.split('&').filter(|it| !it.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('='));
    pairs.collect::<Option<_>>().ok_or(NotADatabase::Parameter)
}

/// A name or an address, with a port or without.
fn host(text: &str) -> Result<(), NotADatabase> {
    let is_bracketed = text.ends_with(']');
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !is_bracketed => (name, Some(port)),
        _ => (text, None),
    };
    if name.is_empty() {
        return Err(NotADatabase::Host);
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(()),
        Some(_) => Err(NotADatabase::Port),
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_what_is_secret() {
        let cases = [
            ("postgres://host/name", "postgres://host/name"),
            ("postgresql://host", "postgresql://host"),
            (
                "postgres://ann:s3cret@host:5433/name",
                "postgres://ann@host:5433/name",
            ),
            (
                "postgres://ann:s3:cret@[::1]:5432/name",
                "postgres://ann@[::1]:5432/name",
            ),
            (
                "postgres://ann:s%40cret@[::1]/name",
                "postgres://ann@[::1]/name",
            ),
            ("postgres://:s3cret@host/name", "postgres://@host/name"),
            (
                "postgres://ann@one:1,two:2/name?sslmode=require&password=s3cret",
                "postgres://ann@one:1,two:2/name",
            ),
            (
                "postgres:///name?host=%2Frun%2Fpostgresql&password=s3cret",
                "postgres:///name",
            ),
        ];
        for (text, shown) in cases {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.secret_text(), text);
            assert!(!format!("{url:?}").contains("cret"), "{url:?}");
        }
    }

    #[test]
    fn what_is_no_database_is_told_without_showing_it() {
        use NotADatabase::*;
        let cases = [
            ("", Scheme),
            ("detente-data", Scheme),
            ("mysql://ann:s3cret@host/name", Scheme),
            ("postgres:host", Scheme),
            ("Postgres://host", Scheme),
            ("postgres://ann:s3 cret@host/name", Blank),
            ("postgres://ann:s3cret@host/na\nme", Blank),
            ("postgres://ann:s3@cret@host/name", Credentials),
            ("postgres://ann:s3/cret@host/name", Credentials),
            ("postgres://ann:s3?cret@host/name", Credentials),
            ("postgres://host/name?password=s3@cret", Credentials),
            ("postgres://", Host),
            ("postgres:///name", Host),
            ("postgres://ann:s3cret@/name", Host),
            ("postgres://one,,two/name", Host),
            ("postgres://:5432/name", Host),
            ("postgres://host:/name", Port),
            ("postgres://host:0/name", Port),
            ("postgres://host:s3cret/name", Port),
            ("postgres://one:5432,two:65536/name", Port),
            ("postgres://host/name?sslmode", Parameter),
        ];
        for (text, expected) in cases {
            let found = text.parse::<DatabaseUrl>();
            assert_eq!(found, Err(expected), "{text}");
            assert!(!expected.to_string().contains("cret"), "{text}");
        }
    }
}
