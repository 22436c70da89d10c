use std::borrow::Cow;

use super::mark::Mark;
use super::place::Place;
use super::settle::{Settled, settle};
use super::side::{Alike, Joined, Sides};
use super::strategy::{Here, Strategy};
use super::{Choice, Chosen, Collision, Conflict, Join, Merge};
use crate::json::Value;

/// Walks through the three sides together, and collects what must be reported.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) merge: Merge,
}

/// One place, and what is declared for it.
#[derive(Clone, Copy)]
pub(super) struct At<'p, 'a> {
    pub(super) place: Place<'p>,
    pub(super) here: &'p Here<'a>,
    pub(super) mark: Option<&'p Mark<'a>>,
}

impl Walk {
    pub(super) fn join<'a>(&mut self, at: At<'_, 'a>, sides: Sides<'a>) -> Joined<'a> {
        let strategy = at.here.own().unwrap_or(&Strategy::Manual);
        if let Strategy::KeyedList { key } = strategy
            && !at.mark.is_some_and(Mark::replaces)
        {
            return self.join_list(at, sides, strategy, key);
        }
        if let Some(choice) = at.mark.and_then(|mark| mark.choice) {
            return self.choose(at, sides, choice);
        }
        if at.mark.is_some_and(|mark| mark.in_torn_group) {
            return self.tear(at, sides);
        }
        if *strategy == Strategy::Manual
            && let Some(objects) = sides.objects()
        {
            return self.join_members(at, sides, objects);
        }
        self.join_whole(at, sides, sides.alike(), strategy)
    }

    /// First what is the same for all strategies, then the strategy.
    pub(super) fn join_whole<'a>(
        &mut self,
        at: At<'_, 'a>,
        sides: Sides<'a>,
        alike: Alike,
        strategy: &Strategy,
    ) -> Joined<'a> {
        if let Some(mark) = at.mark {
            if mark.has_torn_group_below() {
                return self.tear(at, sides);
            }
            if alike.is_settled()
                && mark.has_choice_below()
                && let Some(objects) = sides.objects()
            {
                return self.join_members(at, sides, objects);
            }
        }
        if alike.ours_base {
            return Joined::theirs(sides, alike);
        }
        if alike.theirs_base {
            return Joined::ours(sides, alike);
        }
        match settle(strategy, sides, alike) {
            Ok(Settled::Agreement) => {
                self.note_agreement(at, sides);
                Joined::theirs(sides, alike)
            }
            Ok(Settled::Join {
                value,
                review,
                lost,
            }) => {
                self.merge.joined.push(Join {
                    path: at.place.pointer(),
                    strategy: strategy.name(),
                    review,
                    lost: lost.cloned(),
                });
                Joined::of(value, sides, alike)
            }
            Err(collision) => {
                let joined = self.collide(at, sides, alike, strategy.name(), collision);
                let is_unfit = matches!(collision, Collision::Type | Collision::Inapplicable);
                if let Some(conflict) = self.merge.conflicts.last_mut().filter(|_| is_unfit) {
                    conflict.obstacle = strategy.obstacle(sides);
                }
                joined
            }
        }
    }

    /// Records an agreement; that of whole documents member by member, to say in which they agree.
    pub(super) fn note_agreement(&mut self, at: At<'_, '_>, sides: Sides<'_>) {
        let path = at.place.pointer();
        if at.place.is_root() {
            let members = crate::changed_members(sides.base, sides.theirs).into_iter();
            let paths = members.map(|name| path.child(name));
            self.merge.agreements.extend(paths);
        } else {
            self.merge.agreements.push(path);
        }
    }

    /// Reports a conflict. The result has theirs.
    pub(super) fn collide<'a>(
        &mut self,
        at: At<'_, '_>,
        sides: Sides<'a>,
        alike: Alike,
        strategy: &'static str,
        collision: Collision,
    ) -> Joined<'a> {
        self.merge.conflicts.push(Conflict {
            path: at.place.pointer(),
            collision,
            strategy,
            base: sides.base.cloned(),
            ours: sides.ours.cloned(),
            theirs: sides.theirs.cloned(),
            obstacle: None,
        });
        Joined::theirs(sides, alike)
    }

    /// A place in a group that both sides changed: a change here may not fit the rest of the group.
    fn tear<'a>(&mut self, at: At<'_, '_>, sides: Sides<'a>) -> Joined<'a> {
        let alike = sides.alike();
        if alike.ours_base && alike.theirs_base {
            return Joined::theirs(sides, alike);
        }
        let collision = if alike.is_settled() {
            Collision::EditEdit
        } else {
            Collision::of(sides.base, sides.ours, sides.theirs)
        };
        self.collide(at, sides, alike, "group", collision)
    }

    pub(super) fn choose<'a>(
        &mut self,
        at: At<'_, '_>,
        sides: Sides<'a>,
        choice: &'a Choice,
    ) -> Joined<'a> {
        self.note_choice(at, sides);
        let value: Option<&'a Value> = match choice {
            Choice::Ours => sides.ours,
            Choice::Theirs => sides.theirs,
            Choice::Base => sides.base,
            Choice::Value(value) => Some(value),
        };
        Joined::of(value.map(Cow::Borrowed), sides, sides.alike())
    }

    pub(super) fn note_choice(&mut self, at: At<'_, '_>, sides: Sides<'_>) {
        self.merge.chosen.push(Chosen {
            path: at.place.pointer(),
            base: sides.base.cloned(),
            ours: sides.ours.cloned(),
            theirs: sides.theirs.cloned(),
        });
    }
}
