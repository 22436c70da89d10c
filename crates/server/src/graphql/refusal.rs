use axum::http::header;
use detente_graphql::Fault;

use super::asked::Asked;
use crate::explanation::Refused;
use crate::pace;
use crate::problem::ProblemKind;

impl Asked {
    /// A refused field as an error. It counts as a request of its own that was refused.
    pub(super) fn refuse(&self, refused: Refused) -> Fault {
        let problem = refused.told(&self.site);
        pace::charge(&self.app, &self.asker, problem.kind.describe().status);
        if problem.is_denial() {
            self.note_denial();
        }
        self.fault(problem.into())
    }

    /// A refusal as an error: `code` is the `error` of the problem in capitals, `problem` the body that REST
    /// answers.
    pub(super) fn fault(&self, refused: Refused) -> Fault {
        let problem = refused.told(&self.site);
        let kind = problem.kind.describe();
        self.app.metrics.refused(kind.slug);
        if problem.kind == ProblemKind::Internal {
            let cause = problem.cause().unwrap_or_default();
            tracing::error!(path = self.path, problem = kind.slug, cause, "failed");
        }
        let fault = Fault::new(code(problem.error()), problem.detail());
        let fault = fault.with("status", kind.status.as_str());
        let reply = problem.render(&self.site, &self.path, false);
        let wait = reply.headers().get(header::RETRY_AFTER);
        let wait = wait.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        let fault = match wait {
            Some(seconds) => fault.with("retryAfter", seconds.to_string()),
            None => fault,
        };
        let body = String::from_utf8_lossy(reply.body());
        fault.with("problem", body.trim_end())
    }
}

/// `UpdateConflict` as `UPDATE_CONFLICT`.
fn code(error: &str) -> String {
    let mut code = String::with_capacity(error.len() + 4);
    let mut is_start = true;
    for letter in error.chars() {
        if !letter.is_ascii_alphanumeric() {
            is_start = true;
            code.push('_');
            continue;
        }
        if letter.is_ascii_uppercase() && !is_start {
            code.push('_');
        }
        is_start = letter.is_ascii_uppercase() || code.is_empty();
        code.push(letter.to_ascii_uppercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_errors_in_capitals() {
        let cases = [
            ("UpdateConflict", "UPDATE_CONFLICT"),
            ("DuplicateEntry", "DUPLICATE_ENTRY"),
            ("OutOfStock", "OUT_OF_STOCK"),
            ("out-of-stock", "OUT_OF_STOCK"),
            ("VATMissing", "VATMISSING"),
            ("Locked", "LOCKED"),
        ];
        for (error, expected) in cases {
            assert_eq!(code(error), expected);
        }
    }
}
