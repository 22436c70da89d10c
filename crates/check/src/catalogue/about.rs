use super::Id;
use crate::model::Severity;

/// What is to be known of a probe before it is run.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub id: &'static str,
    pub(crate) key: Id,
    pub family: Family,
    /// What is right, as one line.
    pub title: &'static str,
    /// What is seen where it passes.
    pub holds: &'static str,
    /// How bad a failure can be.
    pub severity: Severity,
    /// Why it matters, and by which text.
    pub why: &'static str,
    /// What the API's author can do about a failure.
    pub fix: &'static str,
    /// What it says for the grade besides its severity.
    pub(crate) role: Role,
    /// What the resource has to allow.
    pub(crate) access: Access,
    pub(crate) cost: Cost,
    /// Probes whose answers it looks at: without them it has less to say.
    pub(crate) builds_on: &'static [&'static str],
    pub(crate) shown_by: ShownBy,
}

/// What a probe is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Does the resource say which version it is?
    Validators,
    /// With one client, is a stale write refused?
    Preconditions,
    /// Is a conflict told so that a client can go on?
    Answers,
    /// With many clients at once, is it still?
    Races,
    /// Does the description say so?
    Description,
}

/// What a verdict says for the grade besides its severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Ordinary,
    /// Whether those who send a precondition are protected: without a verdict there is no grade.
    Protection,
    /// Whether those are protected who send none.
    Insistence,
    /// Whether all of it holds across base URLs, protocols and logins.
    Reach,
}

/// What a resource has to allow for a probe to say something of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// By whom a finding is seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownBy {
    /// Its requests show it again when they are sent again one by one.
    Curl,
    /// It takes many at once, a byte held back, or a body that says another thing each time.
    Tester,
}

/// Requests one after the other, in a run on a server that answers all of them: those of a probe, and those of each of
/// its races, as counted on a server whose answers took 300 ms. What goes out together counts once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub fixed: u32,
    pub each_race: u32,
}

impl About {
    /// What most rows have in their other columns.
    pub(super) const USUAL: Self = Self {
        id: "",
        key: Id::A1,
        family: Family::Validators,
        title: "",
        holds: "",
        severity: Severity::Info,
        why: "",
        fix: "",
        role: Role::Ordinary,
        access: Access::Write,
        cost: Cost {
            fixed: 10,
            each_race: 0,
        },
        builds_on: &[],
        shown_by: ShownBy::Curl,
    };

    /// Whether a name is the probe's id, or the letter of its family.
    pub fn is_named(&self, name: &str) -> bool {
        let letter = self.family.letter();
        name.eq_ignore_ascii_case(self.id) || name.eq_ignore_ascii_case(letter)
    }
}

impl Family {
    /// The letter that the ids of its probes begin with.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Validators => "A",
            Self::Preconditions => "B",
            Self::Answers => "C",
            Self::Races => "D",
            Self::Description => "E",
        }
    }

    /// Whether its probes judge how writes are answered.
    pub fn is_of_writes(self) -> bool {
        matches!(self, Self::Preconditions | Self::Answers | Self::Races)
    }
}
