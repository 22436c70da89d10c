use serde_json::{Value, json};

use super::decider::Decider;
use super::dialect::Envelope;
use super::refusal::Refusal;
use super::store::{Outcome, Step, View};

/// The actions. They read and write in one step, and ask for no precondition.
impl Decider<'_> {
    pub(crate) fn take(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        let mut product = view.content(key).ok_or(Refusal::Absent)?.clone();
        let quantity = self.number("quantity").unwrap_or(1).max(1);
        let stock = product["stock"].as_i64().unwrap_or(0);
        if stock < quantity {
            return Err(Refusal::OutOfStock);
        }
        product["stock"] = json!(stock - quantity);
        Ok(act(vec![(key, product)], json!({ "taken": quantity })))
    }

    pub(crate) fn ship(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        let mut order = view.content(key).ok_or(Refusal::Absent)?.clone();
        if order["state"] == "shipped" {
            return Err(Refusal::Closed);
        }
        order["state"] = json!("shipped");
        Ok(act(vec![(key, order)], json!({ "state": "shipped" })))
    }

    pub(crate) fn transfer(&self, view: &View<'_>) -> Result<Step, Refusal> {
        let (Some(from), Some(to), Some(amount)) =
            (self.text("from"), self.text("to"), self.number("amount"))
        else {
            return Err(Refusal::Invalid("Send from, to and amount.".into()));
        };
        let (from, to) = (format!("accounts/{from}"), format!("accounts/{to}"));
        if from == to || amount < 1 {
            return Err(Refusal::Invalid("Nothing would be moved.".into()));
        }
        let mut payer = view.content(&from).ok_or(Refusal::Absent)?.clone();
        let mut payee = view.content(&to).ok_or(Refusal::Absent)?.clone();
        let balance = payer["balance"].as_i64().unwrap_or(0);
        if balance < amount {
            return Err(Refusal::Uncovered);
        }
        payer["balance"] = json!(balance - amount);
        payee["balance"] = json!(payee["balance"].as_i64().unwrap_or(0) + amount);
        Ok(act(
            vec![(&from, payer), (&to, payee)],
            json!({ "moved": amount }),
        ))
    }

    /// A member of the body of an action; the envelope does not matter there.
    fn member(&self, name: &str) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.ask.body).ok()?;
        match self.dialect.envelope {
            Envelope::Data => body.get("data").unwrap_or(&body).get(name).cloned(),
            Envelope::Bare | Envelope::Hal => body.get(name).cloned(),
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.member(name)?.as_i64()
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.member(name)?.as_str()?.to_owned())
    }
}

fn act(changes: Vec<(&str, Value)>, said: Value) -> Step {
    let changes = changes.into_iter();
    Step {
        changes: changes
            .map(|(key, content)| (key.to_owned(), Some(content)))
            .collect(),
        outcome: Outcome::Acted(said),
    }
}
