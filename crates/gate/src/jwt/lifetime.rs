use std::time::Duration;

use detente_core::Moment;
use detente_core::json::{Object, Value};

use crate::Unknown;

/// When a token is good, with leeway for clocks that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    from: Moment,
    pub(crate) until: Moment,
}

/// The first second of the year 10000: no issuer means that, and it is far from all limits.
const TOO_FAR: f64 = 253_402_300_800.0;

impl Lifetime {
    /// By `exp`, which must be there, and `nbf` and `iat`, if they are.
    pub(crate) fn of(claims: &Object, leeway: Duration) -> Result<Self, Unknown> {
        let leeway_ms = u64::try_from(leeway.as_millis()).unwrap_or(u64::MAX);
        let exp = date(claims, "exp", f64::floor)?.ok_or_else(|| no_date("exp"))?;
        let nbf = date(claims, "nbf", f64::ceil)?.unwrap_or_default();
        let iat = date(claims, "iat", f64::ceil)?.unwrap_or_default();
        Ok(Self {
            from: Moment(nbf.max(iat).0.saturating_sub(leeway_ms)),
            until: Moment(exp.0.saturating_add(leeway_ms)),
        })
    }

    /// # Errors
    ///
    /// [`Unknown::Expired`] from the moment on at which it ends (RFC 7519, section 4.1.4), and
    /// [`Unknown::NotYet`].
    pub(crate) fn includes(&self, now: Moment) -> Result<(), Unknown> {
        if now >= self.until {
            return Err(Unknown::Expired { at: self.until });
        }
        if now < self.from {
            return Err(Unknown::NotYet { at: self.from });
        }
        Ok(())
    }
}

/// A NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction, that is rounded to whole
/// milliseconds.
fn date(claims: &Object, name: &str, round: fn(f64) -> f64) -> Result<Option<Moment>, Unknown> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(no_date(name)),
    };
    let seconds = number.as_f64();
    if !(0.0..TOO_FAR).contains(&seconds) {
        return Err(no_date(name));
    }
    // Whole seconds are the rule, and remain exact.
    let ms = match number.as_whole() {
        Some(seconds) => seconds * 1000,
        None => round(seconds * 1000.0) as u64,
    };
    Ok(Some(Moment(ms)))
}

fn no_date(name: &str) -> Unknown {
    Unknown::Claims {
        claim: name.into(),
        wanted: "a number of seconds since 1970",
    }
}
