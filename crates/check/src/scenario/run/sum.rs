use super::super::template::plain;
use super::*;

impl<'a> Runner<'a> {
    pub(super) async fn sum_before(&mut self, sum: &'a Sum) -> Result<Option<f64>, Halt> {
        match sum.is {
            Some(_) => Ok(None),
            None => Ok(Some(self.sum(sum, None).await?)),
        }
    }

    async fn sum(&mut self, sum: &'a Sum, by: Option<&Contestant<'a>>) -> Result<f64, Halt> {
        let mut total = 0.0;
        for template in &sum.over {
            let actor = by.and_then(|it| it.actor);
            let fresh = Fresh::default();
            let url = self.url(template, &self.memory.scope(actor, &fresh))?;
            let (reading, exchange) = self.read(&url, actor).await?;
            self.note("a part of the sum", &exchange);
            let pointer = sum.of.to_string();
            let found = reading
                .json
                .as_ref()
                .and_then(|json| json.pointer(&pointer));
            let Some(number) = found.and_then(Value::as_f64) else {
                return Err(Halt::Unjudged(format!("{url} has no number at {pointer}")));
            };
            total += number;
        }
        Ok(total)
    }

    pub(super) async fn sum_failure(
        &mut self,
        sum: &'a Sum,
        before: Option<f64>,
        by: Option<&Contestant<'a>>,
    ) -> Result<Option<Failure>, Halt> {
        let found = self.sum(sum, by).await?;
        let name = format!("the sum of {}", sum.of);
        let failure = match (&sum.is, before) {
            (Some(matcher), _) => {
                let fresh = Fresh::default();
                let scope = self.memory.scope(None, &fresh);
                let value = whole_if_it_is(found);
                matcher.complaint(&name, Some(&value), &|path| scope.lookup(path))?
            }
            (None, Some(before))
                if (before - found).abs() > f64::EPSILON * before.abs().max(1.0) =>
            {
                let (before, found) = (whole_if_it_is(before), whole_if_it_is(found));
                Some(format!(
                    "{name} must stay {}, but is {}",
                    plain(before),
                    plain(found)
                ))
            }
            (None, _) => None,
        };
        Ok(failure.map(Failure::critical))
    }
}

fn whole_if_it_is(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        // In range, and nothing after the point.
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}
