use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use detente_core::Moment;
use detente_core::json::{Object, Value};
use detente_service::{Names, Rights, is_actor};

use super::claim::Claim;
use super::lifetime::Lifetime;
use crate::known::caller;
use crate::{Known, Unknown};

/// What a token must claim, and what its claims mean.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What `iss` must be, to the letter; `None`: anything.
    pub issuer: Option<Box<str>>,
    /// One of these must be in `aud`; if there are none, anything may.
    pub audiences: Vec<Box<str>>,
    /// By how much the issuer's clock may differ from ours.
    pub leeway: Duration,
    /// The name of whoever the token stands for: a string.
    pub name: Claim,
    /// Their roles: a string, or a list of strings.
    pub roles: Claim,
    /// What tokens allow that say nothing of it, and in which spaces.
    pub rights: Rights,
    /// Which rights a token gives: a string with spaces between them, as `scope` (RFC 8693, section
    /// 4.2), or a list of strings. Where it is set, a token without the claim gives none.
    pub rights_claim: Option<Claim>,
    /// What stands before each right in that claim, such as `detente:`. Others are other servers'.
    pub rights_prefix: Box<str>,
    /// The spaces that a token is good for: a string, or a list of strings. Where it is set, a token
    /// without the claim is good for none.
    pub spaces_claim: Option<Claim>,
}

impl Default for Terms {
    fn default() -> Self {
        let claim = |name: &str| name.parse().expect("a name is a claim");
        Self {
            issuer: None,
            audiences: Vec::new(),
            leeway: Duration::from_secs(60),
            name: claim("sub"),
            roles: claim("roles"),
            rights: Rights::usual(Names::All),
            rights_claim: None,
            rights_prefix: "".into(),
            spaces_claim: None,
        }
    }
}

impl Terms {
    /// Whom these claims, which are nobody's invention, stand for.
    pub(super) fn know(&self, claims: Object, now: Moment) -> Result<(Known, Lifetime), Unknown> {
        let lifetime = Lifetime::of(&claims, self.leeway)?;
        lifetime.includes(now)?;
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        let name = self.name_in(&claims)?;
        let rights = self.rights_in(&claims)?;
        let roles = strings(&self.roles, &claims)?.unwrap_or_default();
        let roles = roles.into_iter().map(str::to_owned).collect();
        let known = Known {
            rights: Arc::new(rights),
            caller: caller(&name, roles, claims),
            name,
            until: Some(lifetime.until),
        };
        Ok((known, lifetime))
    }

    fn check_issuer(&self, claims: &Object) -> Result<(), Unknown> {
        let found = claims.get("iss").map(Value::as_str);
        match &self.issuer {
            Some(wanted) if found != Some(Some(&**wanted)) => Err(Unknown::Issuer),
            _ => Ok(()),
        }
    }

    fn check_audience(&self, claims: &Object) -> Result<(), Unknown> {
        if self.audiences.is_empty() {
            return Ok(());
        }
        let aud: Claim = "aud".parse().expect("a name is a claim");
        let found = strings(&aud, claims)?.unwrap_or_default();
        let mut wanted = self.audiences.iter();
        match wanted.any(|wanted| found.contains(&&**wanted)) {
            true => Ok(()),
            false => Err(Unknown::Audience),
        }
    }

    fn name_in(&self, claims: &Object) -> Result<Arc<str>, Unknown> {
        let name = self.name.of(claims).and_then(Value::as_str);
        let name = name.filter(|name| is_actor(name)).map(Arc::from);
        name.ok_or_else(|| Unknown::NoName {
            claim: self.name.to_string().into(),
        })
    }

    fn rights_in(&self, claims: &Object) -> Result<Rights, Unknown> {
        let spaces = match &self.spaces_claim {
            None => self.rights.spaces.clone(),
            Some(claim) => {
                let spaces = strings(claim, claims)?.unwrap_or_default().into_iter();
                Names::Only(spaces.map(Into::into).collect::<BTreeSet<_>>())
            }
        };
        let Some(claim) = &self.rights_claim else {
            let mut rights = self.rights.clone();
            rights.spaces = spaces;
            return Ok(rights);
        };
        let texts = strings(claim, claims)?.unwrap_or_default();
        let words = texts.iter().flat_map(|text| text.split(' '));
        let words = words.filter_map(|word| word.strip_prefix(&*self.rights_prefix));
        Ok(Rights::of(words.filter_map(|it| it.parse().ok()), spaces))
    }
}

fn strings<'a>(claim: &Claim, claims: &'a Object) -> Result<Option<Vec<&'a str>>, Unknown> {
    claim.strings(claims).map_err(|_| Unknown::Claims {
        claim: claim.to_string().into(),
        wanted: "a string or a list of strings",
    })
}
