use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Counts on the terminal that standard error is, if it is one; else nothing.
pub(super) fn count(unit: &str) -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        &format!("{{spinner}} {{human_pos}} {unit}  {{per_sec}}"),
    )
}

/// As [`count`], a bar in bytes.
pub(super) fn bytes(total: u64, what: &str) -> ProgressBar {
    let style =
        format!("{what} {{bar:30}} {{bytes}}/{{total_bytes}}  {{bytes_per_sec}}  {{eta}} left");
    styled(ProgressBar::new(total), &style)
}

fn styled(bar: ProgressBar, style: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(style).expect("our own templates are well-formed");
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
