use crate::catalogue::{About, Family, Role, about};
use crate::model::{Grade, OUTAGE, ProbeReport, Severity, UNEXAMINED, Verdict};

/// What an API is worth, by what was found.
///
/// A critical finding is F, a high one D, unprotected by default (B8) C, any other of medium or low weight B. Without any
/// it is A; and A+ where a precondition is asked for (B8) and races across places held (D15) with `writers` of 32 or more.
///
/// A server that stopped answering gets no other grade than F or D: the rest is not known.
///
/// Nothing is taken for granted: where it is not known whether a stale write is refused (B1), or no race (D) came to a
/// verdict, and nothing worse is known, there is no grade.
pub fn grade(probes: &[ProbeReport], writers: u32) -> Grade {
    let worst = probes
        .iter()
        .filter(|probe| probe.verdict == Verdict::Fail)
        .filter(|probe| ![OUTAGE, UNEXAMINED].contains(&probe.id.as_str()))
        .map(|probe| probe.severity)
        .min();
    let is_over = probes.iter().any(|probe| probe.id == OUTAGE);
    match worst {
        Some(Severity::Critical) => return Grade::F,
        Some(Severity::High) => return Grade::D,
        _ => {}
    }
    let of_role = |role| of(probes, move |about| about.role == role);
    let mut of_races = of(probes, |about| about.family == Family::Races);
    if is_over || !of_role(Role::Protection).any(is_judged) || !of_races.any(is_judged) {
        return Grade::Ungraded;
    }
    let has_passed = |role| {
        let mut asked = of_role(role).peekable();
        asked.peek().is_some() && asked.all(|probe| probe.verdict == Verdict::Pass)
    };
    let is_open = of_role(Role::Insistence).any(|probe| probe.verdict == Verdict::Fail);
    match worst {
        _ if is_open => Grade::C,
        Some(Severity::Medium | Severity::Low) => Grade::B,
        _ if writers >= 32 && has_passed(Role::Insistence) && has_passed(Role::Reach) => {
            Grade::APlus
        }
        _ => Grade::A,
    }
}

/// The probes whose rows in the catalogue are wanted.
fn of(
    probes: &[ProbeReport],
    is_wanted: impl Fn(&About) -> bool,
) -> impl Iterator<Item = &ProbeReport> {
    probes
        .iter()
        .filter(move |probe| about(&probe.id).is_some_and(&is_wanted))
}

fn is_judged(probe: &ProbeReport) -> bool {
    matches!(probe.verdict, Verdict::Pass | Verdict::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(id: &str, verdict: Verdict, severity: Severity) -> ProbeReport {
        ProbeReport {
            id: id.into(),
            subject: String::new(),
            title: String::new(),
            severity,
            verdict,
            reason: String::new(),
            why: String::new(),
            trials: 1,
            overlapping: 0,
            evidence: Vec::new(),
            is_resendable: false,
        }
    }

    #[test]
    fn the_worst_finding_decides() {
        use Severity::{Critical, High, Info, Low, Medium};
        use Verdict::{Fail, Inconclusive, Pass, Skipped};
        type Given<'a> = &'a [(&'a str, Verdict, Severity)];
        let cases: [(Given<'_>, u32, Grade); 16] = [
            (
                &[("B1", Fail, Critical), ("C1", Fail, Medium)],
                32,
                Grade::F,
            ),
            (&[("B1", Pass, Critical), ("D1", Fail, High)], 32, Grade::D),
            // Those who ask are protected.
            (
                &[
                    ("B1", Pass, Critical),
                    ("B8", Fail, Medium),
                    ("D6", Pass, Critical),
                ],
                32,
                Grade::C,
            ),
            // Nobody is.
            (
                &[
                    ("A1", Fail, Medium),
                    ("B1", Fail, Critical),
                    ("B8", Fail, Medium),
                    ("D6", Pass, Critical),
                ],
                32,
                Grade::F,
            ),
            // Whether anybody is, is not known.
            (
                &[
                    ("B1", Inconclusive, Critical),
                    ("B8", Fail, Medium),
                    ("D6", Pass, Critical),
                ],
                32,
                Grade::Ungraded,
            ),
            (
                &[("B8", Pass, Medium), ("D15", Pass, Critical)],
                32,
                Grade::Ungraded,
            ),
            // It died, and nobody knows what it would have done.
            (
                &[
                    ("B1", Pass, Critical),
                    ("D1", Pass, Critical),
                    (OUTAGE, Fail, High),
                ],
                32,
                Grade::Ungraded,
            ),
            (
                &[("B1", Fail, Critical), (OUTAGE, Fail, High)],
                32,
                Grade::F,
            ),
            (
                &[
                    ("B1", Pass, Critical),
                    ("B8", Pass, Medium),
                    ("D1", Pass, Critical),
                    ("C2", Fail, Low),
                ],
                32,
                Grade::B,
            ),
            (
                &[
                    ("B1", Pass, Critical),
                    ("B8", Pass, Medium),
                    ("D1", Pass, Critical),
                    ("A6", Fail, Info),
                ],
                32,
                Grade::A,
            ),
            (
                &[
                    ("B1", Pass, Critical),
                    ("B8", Pass, Medium),
                    ("D15", Pass, Critical),
                ],
                32,
                Grade::APlus,
            ),
            (
                &[
                    ("B1", Pass, Critical),
                    ("B8", Pass, Medium),
                    ("D15", Pass, Critical),
                ],
                8,
                Grade::A,
            ),
            (
                &[
                    ("B8", Skipped, Medium),
                    ("B1", Pass, Critical),
                    ("D15", Pass, Critical),
                ],
                32,
                Grade::A,
            ),
            (
                &[("B1", Inconclusive, Critical), ("D1", Pass, Critical)],
                32,
                Grade::Ungraded,
            ),
            (
                &[("B1", Pass, Critical), ("D1", Inconclusive, Critical)],
                32,
                Grade::Ungraded,
            ),
            (
                &[("B1", Inconclusive, Critical), ("D1", Fail, Critical)],
                32,
                Grade::F,
            ),
        ];
        for (given, writers, expected) in cases {
            let probes: Vec<_> = given
                .iter()
                .map(|(id, verdict, severity)| probe(id, *verdict, *severity))
                .collect();
            assert_eq!(grade(&probes, writers), expected, "{given:?}");
        }
    }
}
