use crate::history::{Kind, Name, Step};
use crate::subject::{Marks, Subject};
use crate::violation::ViolationKind;

/// Which operation saw or left which version of one resource.
#[derive(Default)]
pub(super) struct Versions {
    /// 0 is what was there at first; then one for each write that may have been applied.
    pub(super) all: Vec<Version>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Version {
    /// The operation that wrote it.
    pub(super) write: Option<u32>,
    pub(super) tag: Option<Name>,
    pub(super) value: Option<Name>,
    /// The version that it replaced, where its write demanded one.
    pub(super) base: Option<u32>,
    /// The version that replaced it on demand.
    pub(super) next: Option<u32>,
    /// Something shows that it was there. Of a write that is not known to have been applied, nothing else counts.
    pub(super) is_seen: bool,
    /// A read that shows its tag.
    pub(super) tag_shown_by: Option<u32>,
    /// Of those that saw or left it: which ended first, and which began last.
    pub(super) first: Option<(u64, u32)>,
    pub(super) last: Option<(u64, u32)>,
}

/// What came of looking for versions.
pub(super) enum Resolution {
    Resolved,
    /// Operations that contradict each other, whatever the order.
    Contradiction(ViolationKind, Vec<u32>),
    /// It cannot be told which version was seen.
    Ambiguous,
}

/// No search by versions goes on.
enum Halt {
    Contradiction(ViolationKind, Vec<u32>),
    Ambiguous,
}

impl Versions {
    /// Finds out the version of each operation, and forgets what was found of another resource. O(n).
    pub(super) fn resolve(
        &mut self,
        subject: &Subject<'_>,
        values: &mut Marks,
        tags: &mut Marks,
    ) -> Resolution {
        let ambiguous = |step: &Step| {
            // Which of several deletions made it absent cannot be told, and where a refusal belongs neither.
            step.kind == Kind::Delete && step.may_change()
                || subject.trusts_refusals && !step.is_read() && !step.may_change()
                || step.expected.is_some() && !subject.identity.values
        };
        if !subject.identity.tags || subject.iter().any(|(_, step)| ambiguous(step)) {
            return Resolution::Ambiguous;
        }
        values.clear();
        tags.clear();
        self.all.clear();
        self.all.reserve(subject.steps.len() + 1);
        self.all.push(Version::default());
        let mut resolver = Resolver {
            subject,
            values,
            tags,
            all: &mut self.all,
            initial_is_absent: None,
        };
        match resolver.run() {
            Ok(()) => Resolution::Resolved,
            Err(Halt::Contradiction(kind, suspects)) => Resolution::Contradiction(kind, suspects),
            Err(Halt::Ambiguous) => Resolution::Ambiguous,
        }
    }
}

const INITIAL: u32 = 0;

struct Resolver<'s, 'a> {
    subject: &'s Subject<'a>,
    /// The version of a value, and of a tag.
    values: &'s mut Marks,
    tags: &'s mut Marks,
    all: &'s mut Vec<Version>,
    /// A read or a creation that found nothing there, at first.
    initial_is_absent: Option<u32>,
}

impl Resolver<'_, '_> {
    fn run(&mut self) -> Result<(), Halt> {
        self.declare_writes()?;
        if self.subject.identity.values {
            self.see_values()?;
        }
        self.see_tags()?;
        self.see_bases_of_unknown()?;
        self.link_bases()
    }

    /// A version for each write that may have been applied.
    fn declare_writes(&mut self) -> Result<(), Halt> {
        for (at, step) in self.subject.iter().filter(|(_, step)| step.may_write()) {
            let at = number(at);
            let version = number(self.all.len());
            if step.tag.is_some() && step.tag == step.base {
                return contradiction(ViolationKind::TagReused, [at]);
            }
            if self.subject.identity.values
                && let Some(value) = step.value
            {
                self.values.set(value, version);
            }
            if let Some(tag) = step.tag
                && let Some(other) = self.tags.set(tag, version)
            {
                let other = self.all[other as usize].write.into_iter();
                return contradiction(ViolationKind::TagReused, other.chain([at]));
            }
            self.all.push(Version {
                write: Some(at),
                tag: step.tag,
                value: step.value,
                is_seen: step.is_ok(),
                ..Version::default()
            });
        }
        Ok(())
    }

    /// Reads that show a value: they tell the tags of versions that were written without one.
    fn see_values(&mut self) -> Result<(), Halt> {
        for (at, step) in self.subject.iter() {
            let Some(value) = step.value.filter(|_| step.is_read() && step.is_ok()) else {
                continue;
            };
            let at = number(at);
            let known = self.values.get(value);
            let version = match known {
                Some(version) => version,
                None => self.see_unwritten(at, value)?,
            };
            self.all[version as usize].is_seen = true;
            if let Some(tag) = step.tag {
                self.bind(version, tag, at)?;
            }
        }
        Ok(())
    }

    /// A value that nobody wrote was there at first.
    fn see_unwritten(&mut self, at: u32, value: Name) -> Result<u32, Halt> {
        let proposed = |step: &Step| !step.is_read() && step.value == Some(value);
        if let Some((other, _)) = self.subject.iter().find(|(_, step)| proposed(step)) {
            return contradiction(ViolationKind::RefusedYetApplied, [number(other), at]);
        }
        let initial = &mut self.all[INITIAL as usize];
        if initial.value.is_some_and(|other| other != value) || self.initial_is_absent.is_some() {
            let other = self.showing_initial();
            return contradiction(ViolationKind::Unwritten, other.chain([at]));
        }
        initial.value = Some(value);
        self.values.set(value, INITIAL);
        Ok(INITIAL)
    }

    fn bind(&mut self, version: u32, tag: Name, at: u32) -> Result<(), Halt> {
        let of = &mut self.all[version as usize];
        let torn = of.tag.is_some_and(|other| other != tag);
        let other = self.tags.get(tag).filter(|other| *other != version);
        if torn || other.is_some() {
            let others = [Some(version), other].into_iter().flatten();
            let shown = others.flat_map(|version| {
                let version = &self.all[version as usize];
                [version.write, version.tag_shown_by]
            });
            let mut suspects: Vec<u32> = shown.flatten().chain([at]).collect();
            suspects.sort_unstable();
            suspects.dedup();
            return contradiction(ViolationKind::Torn, suspects);
        }
        if of.tag.is_none() {
            of.tag = Some(tag);
            of.tag_shown_by = Some(at);
            self.tags.set(tag, version);
        }
        Ok(())
    }

    /// Whatever shows only a tag, or that nothing is there.
    fn see_tags(&mut self) -> Result<(), Halt> {
        for (at, step) in self.subject.iter() {
            let at = number(at);
            if step.is_read() && step.is_ok() {
                let version = self.seen_by(at, step)?;
                let of = &mut self.all[version as usize];
                of.is_seen = true;
                if let (false, Some(value)) = (self.subject.identity.values, step.value) {
                    if of.value.is_some_and(|other| other != value) {
                        let suspects = [of.write, of.tag_shown_by, Some(at)];
                        return contradiction(ViolationKind::Torn, suspects.into_iter().flatten());
                    }
                    if of.value.is_none() {
                        of.value = Some(value);
                        of.tag_shown_by = of.tag_shown_by.or(Some(at));
                    }
                }
            } else if step.is_ok() && step.may_write() {
                match step.kind {
                    Kind::CompareAndSet => {
                        let base = self.base_of(at, step)?;
                        self.all[base as usize].is_seen = true;
                    }
                    Kind::Create => {
                        self.see_absent(at)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A write that must have been applied, though nobody knew, replaced what it demanded, and that must have been there.
    fn see_bases_of_unknown(&mut self) -> Result<(), Halt> {
        let is_unknown = |version: &Version| {
            let mut write = version.write.into_iter();
            write.any(|at| !self.subject.step(at as usize).is_ok())
        };
        let seen = self
            .all
            .iter()
            .filter(|version| version.is_seen && is_unknown(version));
        let mut open: Vec<u32> = seen.filter_map(|version| version.write).collect();
        while let Some(at) = open.pop() {
            let step = self.subject.step(at as usize);
            if step.kind != Kind::CompareAndSet {
                continue;
            }
            let base = self.base_of(at, step)?;
            let base = &mut self.all[base as usize];
            if !base.is_seen {
                base.is_seen = true;
                open.extend(base.write);
            }
        }
        Ok(())
    }

    fn seen_by(&mut self, at: u32, step: &Step) -> Result<u32, Halt> {
        if step.absent {
            return self.see_absent(at);
        }
        if self.subject.identity.values
            && let Some(value) = step.value
        {
            return self.values.get(value).ok_or(Halt::Ambiguous);
        }
        let tag = step.tag.ok_or(Halt::Ambiguous)?;
        self.tagged(tag, at, ViolationKind::Unwritten)
    }

    fn base_of(&mut self, at: u32, step: &Step) -> Result<u32, Halt> {
        if let Some(value) = step.expected {
            return match self.values.get(value) {
                Some(version) => Ok(version),
                None => self.see_unwritten(at, value),
            };
        }
        let tag = step.base.ok_or(Halt::Ambiguous)?;
        self.tagged(tag, at, ViolationKind::UnknownBase)
    }

    /// The version of a tag; one that nobody gave was there at first.
    fn tagged(&mut self, tag: Name, at: u32, otherwise: ViolationKind) -> Result<u32, Halt> {
        if let Some(version) = self.tags.get(tag) {
            return Ok(version);
        }
        // It may be that of a write whose tag is not known.
        if self.all[1..].iter().any(|version| version.tag.is_none()) {
            return Err(Halt::Ambiguous);
        }
        let initial = self.all[INITIAL as usize];
        if initial.tag.is_some() || self.initial_is_absent.is_some() {
            let others = self.showing_initial();
            return contradiction(otherwise, others.chain([at]));
        }
        let initial = &mut self.all[INITIAL as usize];
        initial.tag = Some(tag);
        initial.tag_shown_by = Some(at);
        self.tags.set(tag, INITIAL);
        Ok(INITIAL)
    }

    /// No deletion may have been applied, or the resource would be ambiguous: what is absent was so at first.
    fn see_absent(&mut self, at: u32) -> Result<u32, Halt> {
        self.initial_is_absent.get_or_insert(at);
        let initial = self.all[INITIAL as usize];
        if initial.tag.is_some() || initial.value.is_some() {
            let others = self.showing_initial();
            return contradiction(ViolationKind::NoOrder, others.chain([at]));
        }
        Ok(INITIAL)
    }

    /// Operations by which it is known what was there at first.
    fn showing_initial(&self) -> std::vec::IntoIter<u32> {
        let initial = self.all[INITIAL as usize];
        let by_value = initial.value.and_then(|value| {
            let shows = |step: &Step| {
                step.is_read() && step.value == Some(value) || step.expected == Some(value)
            };
            self.subject.iter().find(|(_, step)| shows(step))
        });
        let by_value = by_value.map(|(at, _)| number(at));
        let all = [initial.tag_shown_by, by_value, self.initial_is_absent];
        all.into_iter().flatten().collect::<Vec<_>>().into_iter()
    }

    /// Which version replaced which, and when each was there.
    fn link_bases(&mut self) -> Result<(), Halt> {
        let mut version = INITIAL;
        for (at, step) in self.subject.iter() {
            let at = number(at);
            if step.may_write() {
                version += 1;
                if !self.all[version as usize].is_seen {
                    continue;
                }
                self.extend(version, at, step);
                let base = match step.kind {
                    Kind::CompareAndSet => self.base_of(at, step)?,
                    Kind::Create => self.see_absent(at)?,
                    _ => continue,
                };
                self.link(base, version, at)?;
            } else if step.is_read() && step.is_ok() {
                let seen = self.seen_by(at, step)?;
                self.extend(seen, at, step);
            }
        }
        Ok(())
    }

    fn link(&mut self, base: u32, version: u32, at: u32) -> Result<(), Halt> {
        self.all[version as usize].base = Some(base);
        self.all[base as usize].is_seen = true;
        let next = self.all[base as usize].next.replace(version);
        let Some(other) = next else {
            return Ok(());
        };
        let kind = match self.subject.step(at as usize).kind {
            Kind::Create => ViolationKind::CreatedTwice,
            _ => ViolationKind::LostUpdate,
        };
        let other = self.all[other as usize].write.into_iter();
        contradiction(kind, other.chain([at]))
    }

    fn extend(&mut self, version: u32, at: u32, step: &Step) {
        let of = &mut self.all[version as usize];
        let ended = step.settled();
        if of.first.is_none_or(|(first, _)| ended < first) {
            of.first = Some((ended, at));
        }
        if of.last.is_none_or(|(last, _)| step.begun > last) {
            of.last = Some((step.begun, at));
        }
    }
}

fn contradiction<T>(
    kind: ViolationKind,
    suspects: impl IntoIterator<Item = u32>,
) -> Result<T, Halt> {
    Err(Halt::Contradiction(kind, suspects.into_iter().collect()))
}

pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).expect("a history has fewer than 2^32 operations")
}
