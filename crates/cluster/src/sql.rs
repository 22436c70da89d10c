//! SQL through Debian's `psql`.

use crate::installation;

/// What `statements` answer: a line for each row, its columns separated by `|`.
///
/// They are one transaction.
pub(crate) fn run(url: &str, statements: &str) -> String {
    let mut psql = installation::command(installation::programs().join("psql"));
    psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"]);
    psql.args(["-d", url, "-c", statements]);
    let output = psql.output().expect("psql and setpriv are installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{statements}\n{errors}");
    let rows = String::from_utf8(output.stdout).expect("the database is in UTF-8");
    rows.trim_end_matches('\n').to_owned()
}
