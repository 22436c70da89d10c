use super::expression::{Answer, Change, Expression, ExpressionError, Subjects};
use super::patience::Patience;
use crate::json::Value;

/// Who may do what with which documents of a collection, beyond the rights that they have. Each is a
/// condition in CEL over `caller`, an object with `name`, `roles` and what else the credentials say,
/// and over documents. What cannot be evaluated, or takes too long, is not allowed.
#[derive(Debug, Default)]
pub struct Access {
    /// Over `self`, the document. Whoever may not read a document does not learn that it is there.
    pub read: Option<AccessRule>,
    /// Over `self`, the document that is to be.
    pub create: Option<AccessRule>,
    /// Over `self`, the document that is to be, and `oldSelf`, the stored one. A rule that does not
    /// mention `oldSelf` must hold for the stored document, too: otherwise everybody could make a
    /// document their own by changing what the rule looks at.
    pub update: Option<AccessRule>,
    /// Over `self`, the stored document.
    pub delete: Option<AccessRule>,
}

/// A condition under which an action is allowed.
#[derive(Debug)]
pub struct AccessRule(Expression);

/// What somebody does to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Create,
    Update,
    Delete,
}

impl AccessRule {
    /// A rule for reading, creating or deleting: over `self` and `caller`.
    ///
    /// # Errors
    ///
    /// As [`Expression::compile`].
    pub fn of_one(source: &str) -> Result<Self, ExpressionError> {
        Expression::compile_over(source, Subjects::OF_ONE).map(Self)
    }

    /// A rule for updating: over `self`, `oldSelf` and `caller`.
    ///
    /// # Errors
    ///
    /// As [`Expression::compile`].
    pub fn of_update(source: &str) -> Result<Self, ExpressionError> {
        Expression::compile_over(source, Subjects::OF_UPDATE).map(Self)
    }
}

impl Access {
    /// Whether there is no rule.
    pub fn is_open(&self) -> bool {
        let rules = [&self.read, &self.create, &self.update, &self.delete];
        rules.iter().all(|rule| rule.is_none())
    }

    /// Whether the caller may read the document.
    pub fn lets_read(&self, document: &Value, caller: &Value, patience: &dyn Patience) -> bool {
        let change = Change::new(None, Some(document)).by(caller);
        allows(&self.read, &change, patience)
    }

    /// Whether the caller may lock the document: whoever may not even save it as it is would only be
    /// in the way of others.
    pub fn lets_lock(&self, document: &Value, caller: &Value, patience: &dyn Patience) -> bool {
        let change = Change::new(Some(document), Some(document)).by(caller);
        allows(&self.update, &change, patience)
    }

    /// What the caller does that is not allowed, if the change from `old` to `new` is not. Nobody
    /// changes what they may not read.
    pub(super) fn forbids(
        &self,
        old: Option<&Value>,
        new: Option<&Value>,
        caller: &Value,
        patience: &dyn Patience,
    ) -> Option<Deed> {
        let change = Change::new(old, new).by(caller);
        // The stored document alone, which then is what rules call `self`.
        let stored = Change::new(None, old).by(caller);
        let holds = |rule, about| allows(rule, about, patience);
        let (deed, is_allowed) = match (old, new) {
            (None, None) => return None,
            (None, Some(_)) => (Deed::Create, holds(&self.create, &change)),
            (Some(_), None) => (
                Deed::Delete,
                holds(&self.read, &stored) && holds(&self.delete, &stored),
            ),
            (Some(_), Some(_)) => {
                let rule = self.update.as_ref();
                let looks_back = rule.is_none_or(|rule| rule.0.mentions_stored());
                let is_allowed = holds(&self.read, &stored)
                    && holds(&self.update, &change)
                    && (looks_back || holds(&self.update, &stored));
                (Deed::Update, is_allowed)
            }
        };
        (!is_allowed).then_some(deed)
    }
}

/// Where there is no rule, everybody may.
fn allows(rule: &Option<AccessRule>, change: &Change<'_>, patience: &dyn Patience) -> bool {
    let holds = |rule: &AccessRule| rule.0.answer(change, patience) == Answer::True;
    rule.as_ref().is_none_or(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use crate::rules::Endless;

    fn one(source: &str) -> Option<AccessRule> {
        Some(AccessRule::of_one(source).unwrap())
    }

    fn value(text: &str) -> Option<Value> {
        (!text.is_empty()).then(|| parse(text.as_bytes()).unwrap())
    }

    const ANN: &str = r#"{"name":"ann","roles":["editor"],"claims":{"team":"a"}}"#;
    const BOB: &str = r#"{"name":"bob","roles":[]}"#;

    fn owned() -> Access {
        let update = |source| Some(AccessRule::of_update(source).unwrap());
        Access {
            read: one("self.owner == caller.name || self.public"),
            create: one("self.owner == caller.name"),
            update: update("self.owner == caller.name"),
            delete: one("self.owner == caller.name && 'editor' in caller.roles"),
        }
    }

    #[test]
    fn documents_are_for_those_whom_the_rules_name() {
        let (of_ann, of_bob) = (r#"{"owner":"ann"}"#, r#"{"owner":"bob"}"#);
        let public = r#"{"owner":"bob","public":true}"#;
        let cases = [
            // (caller, old, new, what is forbidden)
            (ANN, "", of_ann, None),
            (ANN, "", of_bob, Some(Deed::Create)),
            (ANN, "", "{}", Some(Deed::Create)),
            (ANN, of_ann, of_ann, None),
            (ANN, of_bob, of_bob, Some(Deed::Update)),
            // It would become hers, or his.
            (ANN, of_bob, of_ann, Some(Deed::Update)),
            (ANN, public, of_ann, Some(Deed::Update)),
            (ANN, of_ann, of_bob, Some(Deed::Update)),
            (ANN, of_ann, "", None),
            (BOB, of_bob, "", Some(Deed::Delete)),
            (BOB, of_ann, "", Some(Deed::Delete)),
        ];
        let access = owned();
        for (caller, old, new, expected) in cases {
            let caller = parse(caller.as_bytes()).unwrap();
            let (old, new) = (value(old), value(new));
            let found = access.forbids(old.as_ref(), new.as_ref(), &caller, &Endless);
            assert_eq!(found, expected, "{caller}: {old:?} to {new:?}");
        }
        let ann = parse(ANN.as_bytes()).unwrap();
        for (document, reads) in [
            (of_ann, true),
            (of_bob, false),
            (public, true),
            ("{}", false),
        ] {
            let document = parse(document.as_bytes()).unwrap();
            assert_eq!(
                access.lets_read(&document, &ann, &Endless),
                reads,
                "{document}"
            );
        }
        let public = parse(public.as_bytes()).unwrap();
        assert!(!access.lets_lock(&public, &ann, &Endless));
    }

    #[test]
    fn a_rule_that_compares_with_the_stored_document_says_all_that_it_means() {
        let source = "oldSelf.owner == caller.name && self.owner != caller.name";
        let access = Access {
            update: Some(AccessRule::of_update(source).unwrap()),
            ..Access::default()
        };
        let ann = parse(ANN.as_bytes()).unwrap();
        let (of_ann, of_bob) = (value(r#"{"owner":"ann"}"#), value(r#"{"owner":"bob"}"#));
        let forbids = |old: &Option<Value>, new: &Option<Value>| {
            access.forbids(old.as_ref(), new.as_ref(), &ann, &Endless)
        };
        assert_eq!(forbids(&of_ann, &of_bob), None);
        assert_eq!(forbids(&of_ann, &of_ann), Some(Deed::Update));
        assert_eq!(forbids(&of_bob, &of_ann), Some(Deed::Update));
    }

    #[test]
    fn rules_are_about_what_there_is() {
        assert!(AccessRule::of_one("oldSelf.a == 1").is_err());
        assert!(AccessRule::of_one("user.name == self.owner").is_err());
        assert!(AccessRule::of_one("caller.claims.team == self.team").is_ok());
        assert!(Expression::compile("caller.name == self.owner").is_err());
    }
}
