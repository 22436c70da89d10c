/// What the caller knows of the server, and how hard to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A refused operation found what it was refused for: another tag or value than it demanded, something where it
    /// would create, nothing to delete. Otherwise a refusal says only that nothing was done.
    pub trusts_refusals: bool,
    /// A tag is never given twice, not even to equal values. Not true of tags that are digests of the content.
    pub tags_are_unique: bool,
    /// How many steps a search may take, over all resources.
    pub steps: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            trusts_refusals: false,
            tags_are_unique: false,
            steps: 20_000_000,
        }
    }
}
