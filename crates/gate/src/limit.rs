//! How often somebody may ask: reads, writes and refusals apart.
//!
//! Each key has a bucket of allowances that fills at a steady rate (the generic cell rate algorithm).
//! All state is one instant for each key and class, in a table whose size never changes:
//!
//! - **Bounded.** A million addresses take no more memory than one. Where there is no place left, all
//!   newcomers that meet there share what one of them would have: some are told to wait who need not,
//!   but nobody ever gets more than their limit, and whoever has a place keeps it. Whoever is known by
//!   name has a table of their own, which no flood of addresses reaches.
//! - **Cheap.** No allocation, and a lock that one of thousands of groups of keys has. What is idle
//!   needs no sweeping: a full bucket is as good as none, and its place is free.
//!
//! `governor` has the same algorithm, but its keyed store grows with every key until somebody sweeps all
//! of it, and between two sweeps nothing bounds it.

mod cell; // one bucket
mod rate; // how fast it fills, and how much it holds
mod table; // buckets by key

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

pub use rate::{NotARate, Rate};
use table::{Cells, Table};

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Reads,
    Writes,
    /// Requests that were refused. They are charged when that is known, and where too many were, all
    /// others must wait.
    Refusals,
}

/// How often each may ask; `None`: as often as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub reads: Option<Rate>,
    pub writes: Option<Rate>,
    pub refusals: Option<Rate>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who<'a> {
    /// By the name of a principal.
    Principal(&'a str),
    /// IPv6 by its first 64 bits, which is what one household has at least.
    Address(IpAddr),
}

/// How far somebody is from a limit: what `q`, `w`, `r` and `t` of the RateLimit fields say
/// (draft-ietf-httpapi-ratelimit-headers-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub class: Class,
    /// How many there may be at once.
    pub quota: u32,
    /// In how many seconds that many are allowed again, rounded up.
    pub window_s: u64,
    /// How many there may be now.
    pub remaining: u32,
    /// Until there may be one more than that.
    pub next: Duration,
}

/// There were too many: none remain, and [`Standing::next`] is how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded(pub Standing);

/// Counts what each key asks for.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    principals: Table,
    addresses: Table,
}

/// Groups of 16 keys each.
const PRINCIPAL_GROUPS: usize = 1024;
const ADDRESS_GROUPS: usize = 4096;

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reads, Self::Writes, Self::Refusals];

    /// As people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Refusals => "refusals",
        }
    }
}

impl Standing {
    /// [`Standing::next`] in whole seconds, rounded up.
    pub fn next_s(&self) -> u64 {
        self.next.as_secs() + u64::from(self.next.subsec_nanos() > 0)
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, next_s) = (self.0.class.word(), self.0.next_s());
        write!(f, "too many {class}: one more is allowed in {next_s} s")
    }
}

impl std::error::Error for Exceeded {}

impl Limits {
    /// Whether everybody may ask as often as they like.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    fn of(&self, class: Class) -> Option<Rate> {
        match class {
            Class::Reads => self.reads,
            Class::Writes => self.writes,
            Class::Refusals => self.refusals,
        }
    }
}

impl Limiter {
    /// A limiter that has counted nothing yet.
    pub fn new(limits: Limits) -> Self {
        let groups = |count| if limits.are_none() { 1 } else { count };
        Self {
            limits,
            principals: Table::new(groups(PRINCIPAL_GROUPS)),
            addresses: Table::new(groups(ADDRESS_GROUPS)),
        }
    }

    /// Counts one request of a class, if it may be; `None`: nothing limits it. [`Class::Refusals`] counts
    /// nothing, and asks whether there may be one: before credentials are looked at, say.
    ///
    /// `now` counts nanoseconds from any beginning that stays the same.
    ///
    /// # Errors
    ///
    /// [`Exceeded`], of this class or of [`Class::Refusals`]. Nothing was counted.
    pub fn check(
        &self,
        who: Who<'_>,
        class: Class,
        now: u64,
    ) -> Result<Option<Standing>, Exceeded> {
        let refusals = self.limits.refusals;
        let own = self.limits.of(class).filter(|_| class != Class::Refusals);
        if refusals.is_none() && own.is_none() {
            return Ok(None);
        }
        self.with_cells(who, now, |cells| {
            let mut standing = None;
            if let Some(rate) = refusals {
                let look = cell::look(cells[Class::Refusals as usize], rate, now);
                let refused = look.told(Class::Refusals, rate)?;
                standing = (class == Class::Refusals).then_some(refused);
            }
            if let Some(rate) = own {
                let look = cell::take(&mut cells[class as usize], rate, now);
                standing = Some(look.told(class, rate)?);
            }
            Ok(standing)
        })
    }

    /// Counts a request that was refused. There may be more than the limit, for requests under way
    /// cannot be known before; what is beyond it is not held against anybody.
    pub fn charge(&self, who: Who<'_>, now: u64) {
        if let Some(rate) = self.limits.refusals {
            self.with_cells(who, now, |cells| {
                cell::charge(&mut cells[Class::Refusals as usize], rate, now);
            });
        }
    }

    fn with_cells<T>(&self, who: Who<'_>, now: u64, act: impl FnOnce(&mut Cells) -> T) -> T {
        match who {
            Who::Principal(name) => self.principals.with(name, now, act),
            Who::Address(address) => self.addresses.with(partition(address), now, act),
        }
    }
}

/// The addresses that are one to us.
fn partition(address: IpAddr) -> u128 {
    match address.to_canonical() {
        // Where no network can be (RFC 4291, section 2.5.5.2).
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & NETWORK.to_bits(),
    }
}

const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

#[cfg(test)]
mod tests;
