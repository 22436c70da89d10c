//! The query string of a request, and the values in it.

use std::borrow::Cow;
use std::str::FromStr;

use detente_core::{Moment, Timestamp};

use crate::operations::Operation;
use crate::problem::Problem;

/// How many rows a page has where nobody says.
pub(crate) const DEFAULT_LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 1000;

/// A number in digits alone: Rust would take a sign too.
pub(crate) fn whole_number<N: FromStr>(text: &str) -> Option<N> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A time to compare times of this server's with. None of those is before 1970, so all times before
/// it come to the same.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let time = Timestamp::parse(text)?;
    Some(Moment(time.to_millis().unwrap_or(0)))
}

/// The value of `limit`.
pub(crate) fn limit(value: &str) -> Result<usize, Problem> {
    let limit = whole_number(value).filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        let detail = format!("limit must be a whole number from 1 to {MAX_LIMIT}.");
        Problem::malformed(detail).with("parameter", "limit")
    })
}

/// The value of a parameter that is `true` or `false`; `what` says what it is for.
pub(crate) fn switch(name: &str, value: &str, what: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let detail = format!("{name} must be true or false: {what}.");
            Err(Problem::malformed(detail).with("parameter", name))
        }
    }
}

/// The value of such a parameter in a query, if it is there.
pub(crate) fn switch_in(query: &str, name: &str, what: &str) -> Result<Option<bool>, Problem> {
    let mut found = None;
    for (_, value) in parameters(query).filter(|(other, _)| other == name) {
        found = Some(switch(name, &value, what)?);
    }
    Ok(found)
}

/// The parameters of a query string, decoded.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

/// A parameter that an operation does not know would be passed over without a word, and the answer
/// would look as if it heeded it.
pub(crate) fn must_be_known(operation: &Operation, query: &str) -> Result<(), Problem> {
    if query.is_empty() || operation.has_filters || operation.takes_any_query {
        return Ok(());
    }
    let known = operation.query;
    let is_unknown = |name: &str| known.iter().all(|it| it.name != name);
    let mut names = parameters(query).map(|(name, _)| name);
    let Some(name) = names.find(|name| is_unknown(name)) else {
        return Ok(());
    };
    let names: Vec<_> = known.iter().map(|it| it.name).collect();
    let detail = match names.as_slice() {
        [] => format!("There is no parameter {name:?} here: this takes no query parameters."),
        names => format!("There is no parameter {name:?} here: {}.", names.join(", ")),
    };
    Err(Problem::malformed(detail).with("parameter", &*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_can_be_compared_with() {
        let cases = [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T00:00:00+00:01", Some(0)),
            ("0350-03-18T07:08:40.075+02:55", Some(0)),
            ("9999-12-31T23:59:59.999Z", Some(253_402_300_799_999)),
            ("1970-01-01", None),
            ("now", None),
        ];
        for (text, millis) in cases {
            assert_eq!(moment(text).map(|it| it.0), millis, "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_digits() {
        let cases = [
            ("5", Some(5)),
            ("007", Some(7)),
            ("+5", None),
            ("-0", None),
            ("", None),
            ("5.0", None),
            ("99999999999999999999", None),
        ];
        for (text, number) in cases {
            assert_eq!(whole_number::<u64>(text), number, "{text:?}");
        }
    }
}
