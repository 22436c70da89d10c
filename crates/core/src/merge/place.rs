use crate::json::Pointer;

/// Where the walk is: a linked list on the stack. It becomes a pointer only if something is
/// reported.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    Root,
    In(&'p Place<'p>, &'p str),
}

impl Place<'_> {
    pub(super) fn is_root(self) -> bool {
        matches!(self, Self::Root)
    }

    pub(super) fn pointer(self) -> Pointer {
        let mut tokens = Vec::new();
        let mut at = self;
        while let Place::In(parent, token) = at {
            tokens.push(token.to_owned());
            at = *parent;
        }
        tokens.into_iter().rev().collect()
    }
}
