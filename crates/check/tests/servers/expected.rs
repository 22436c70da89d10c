use detente_check::Severity;

/// A probe that fails, and how bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) probe: &'static str,
    pub(crate) severity: Severity,
}

pub(crate) const fn critical(probe: &'static str) -> Expected {
    expected(probe, Severity::Critical)
}

pub(crate) const fn high(probe: &'static str) -> Expected {
    expected(probe, Severity::High)
}

pub(crate) const fn medium(probe: &'static str) -> Expected {
    expected(probe, Severity::Medium)
}

pub(crate) const fn low(probe: &'static str) -> Expected {
    expected(probe, Severity::Low)
}

pub(crate) const fn info(probe: &'static str) -> Expected {
    expected(probe, Severity::Info)
}

const fn expected(probe: &'static str, severity: Severity) -> Expected {
    Expected { probe, severity }
}
