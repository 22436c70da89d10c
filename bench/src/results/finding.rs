//! One number that matters, beside its target.

use serde_json::{Value, json};

use super::figure::thousands;
use super::statistics::Spread;

pub(crate) struct Finding {
    pub name: String,
    pub value: Spread,
    pub unit: Unit,
    /// `None` where there is none, or this run was too small to tell.
    pub target: Option<Target>,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Ratio,
    Milliseconds,
    Microseconds,
    Mebibytes,
    PerSuccess,
    Count,
}

/// What the median should be; the limit itself does not reach [`Target::Below`].
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

pub(super) const HEAD: [&str; 5] = ["finding", "median", "min-max", "target", ""];

impl Finding {
    fn is_reached(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(limit) => self.value.median >= limit,
            Target::AtMost(limit) => self.value.median <= limit,
            Target::Below(limit) => self.value.median < limit,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.is_reached() {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let Spread { median, min, max } = self.value;
        let target = self.target.map_or_else(String::new, |target| match target {
            Target::AtLeast(limit) => format!(">= {}", self.unit.text(limit)),
            Target::AtMost(limit) => format!("<= {}", self.unit.text(limit)),
            Target::Below(limit) => format!("< {}", self.unit.text(limit)),
        });
        vec![
            self.name.clone(),
            self.unit.text(median),
            format!("{}-{}", self.unit.number(min), self.unit.number(max)),
            target,
            self.verdict().to_owned(),
        ]
    }

    pub(super) fn to_json(&self) -> Value {
        let (at_least, at_most, below) = match self.target {
            Some(Target::AtLeast(limit)) => (Some(limit), None, None),
            Some(Target::AtMost(limit)) => (None, Some(limit), None),
            Some(Target::Below(limit)) => (None, None, Some(limit)),
            None => (None, None, None),
        };
        json!({
            "name": self.name,
            "value": self.value.to_json(),
            "unit": self.unit.name(),
            "at_least": at_least,
            "at_most": at_most,
            "below": below,
            "reached": self.is_reached(),
        })
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Ratio => "",
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
            Unit::Mebibytes => "MiB",
            Unit::PerSuccess => "per success",
            Unit::Count => "",
        }
    }

    fn number(self, value: f64) -> String {
        match self {
            Unit::Ratio | Unit::PerSuccess => format!("{value:.2}"),
            Unit::Mebibytes => format!("{value:.1}"),
            Unit::Milliseconds | Unit::Microseconds | Unit::Count => thousands(value),
        }
    }

    fn text(self, value: f64) -> String {
        format!("{} {}", self.number(value), self.name())
            .trim_end()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_judged_by_the_median() {
        let cases = [
            (0.60, Some(Target::AtLeast(0.60)), "reached"),
            (0.59, Some(Target::AtLeast(0.60)), "missed"),
            (999.0, Some(Target::Below(1000.0)), "reached"),
            (1000.0, Some(Target::Below(1000.0)), "missed"),
            (1.5, Some(Target::AtMost(1.5)), "reached"),
            (1.51, Some(Target::AtMost(1.5)), "missed"),
            (7.0, None, ""),
        ];
        for (value, target, verdict) in cases {
            let finding = Finding {
                name: "x".to_owned(),
                value: Spread::one(value),
                unit: Unit::Ratio,
                target,
            };
            assert_eq!(finding.verdict(), verdict, "{value}");
        }
    }
}
