use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

/// Names one life of a log: in it, no version is taken back. A store that was put back from a copy
/// has another, for its log goes on differently from there, with the same seqs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// One that no other log has.
    pub fn new() -> Self {
        // Of the system's randomness.
        Self(RandomState::new().hash_one(std::process::id()))
    }
}

impl Default for Epoch {
    fn default() -> Self {
        Self::new()
    }
}

/// Up to 16 hexadecimal digits.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !text.bytes().all(is_digit) {
            return Err(());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}
