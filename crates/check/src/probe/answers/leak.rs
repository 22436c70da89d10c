use super::{NO_CONFLICT, provoke};
use crate::lab::{Halt, Lab};
use crate::model::Severity;
use crate::probe::Ruling;

/// Text that comes from the inside of a program, and what it gives away. Lower case.
const TRACES: [(&str, &str); 22] = [
    ("traceback (most recent call last)", "a stack trace"),
    ("stack backtrace:", "a stack trace"),
    ("panicked at", "a panic"),
    ("goroutine ", "a stack trace"),
    ("exception in thread", "a stack trace"),
    ("java.lang.", "a class of the implementation"),
    ("org.hibernate", "a library of the implementation"),
    ("org.springframework", "a library of the implementation"),
    ("sqlalchemy", "a library of the implementation"),
    ("activerecord::", "a library of the implementation"),
    ("sequelize", "a library of the implementation"),
    ("node_modules/", "a path of the implementation"),
    ("site-packages/", "a path of the implementation"),
    ("sqlstate", "an error of the database"),
    ("ora-0", "an error of the database"),
    ("duplicate key value violates", "an error of the database"),
    ("unique constraint failed:", "an error of the database"),
    ("deadlock detected", "an error of the database"),
    ("could not serialize access", "an error of the database"),
    ("select * from", "SQL"),
    ("insert into ", "SQL"),
    (" where id = ", "SQL"),
];

/// Members that nobody is to see who does not see them by GET.
const SECRETS: [&str; 6] = [
    "password",
    "password_hash",
    "passwordhash",
    "secret",
    "api_key",
    "access_token",
];

/// C5: does the answer to a conflict give away what is nobody's business?
pub(in crate::probe) async fn leaks_nothing(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(conflict) = provoke(lab).await? else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    let Some(response) = conflict.refused.response() else {
        return Ok(Ruling::skipped("the stale write got no answer"));
    };
    let text = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
    // What the document says itself is no leak.
    let content = String::from_utf8_lossy(conflict.current.body()).to_ascii_lowercase();
    let trace = TRACES
        .iter()
        .find(|(trace, _)| text.contains(trace) && !content.contains(trace))
        .map(|(trace, what)| format!("{what} (`{}`)", trace.trim()));
    let secret = SECRETS
        .iter()
        .map(|name| format!("\"{name}\""))
        .find(|name| text.contains(name.as_str()) && !content.contains(name.as_str()))
        .map(|name| format!("a member that GET does not show ({name})"));
    let update = (text.contains("update ") && text.contains(" set ") && text.contains(" where "))
        .then(|| "SQL (`UPDATE … SET … WHERE`)".to_owned());
    Ok(match trace.or(secret).or(update) {
        Some(what) => Ruling::fail(
            Severity::Medium,
            format!("the answer to a conflict reveals {what}"),
        ),
        None => Ruling::pass("the answer to a conflict shows no internals"),
    }
    .showing("the answer to a stale write", &conflict.refused))
}
