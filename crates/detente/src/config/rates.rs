use detente_gate::{Limits, Rate};

use super::section::Section;

/// How often each caller may ask.
pub(super) fn rates(root: &Section<'_>) -> Limits {
    let Some(section) = root.section("rates") else {
        return Limits::default();
    };
    let limits = Limits {
        reads: rate(&section, "reads"),
        writes: rate(&section, "writes"),
        refusals: rate(&section, "refusals"),
    };
    section.finish();
    limits
}

/// `{ per_second = 100, burst = 200 }`; without a burst as many as in two seconds.
fn rate(section: &Section<'_>, key: &'static str) -> Option<Rate> {
    let section = section.section(key)?;
    let per_second = section.decimal("per_second");
    if section.get("per_second").is_none() {
        section.lacks("per_second");
    }
    let burst = section.number("burst", 1);
    section.finish();
    let per_second = per_second?;
    let two_seconds = (per_second * 2.0).ceil().clamp(1.0, f64::from(u32::MAX));
    let burst = burst.map_or(two_seconds as u32, |it| {
        u32::try_from(it).unwrap_or(u32::MAX)
    });
    let rate = Rate::new(per_second, burst);
    if let Err(error) = &rate {
        section.mistake(section.span.clone(), error.to_string());
    }
    rate.ok()
}
