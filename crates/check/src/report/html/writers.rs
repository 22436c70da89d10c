use std::fmt::Write as _;

use super::figure;
use crate::model::LostUpdates;

/// Lost updates by number of writers; nothing if none raced.
pub(super) fn section(lost_updates: &[LostUpdates]) -> String {
    if lost_updates.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section id=\"writers\"><h2>Lost updates, by number of writers</h2>\n\
         <p class=\"lead\">Writers who all began from one tag. In a round one of them may be accepted; every other that is \
         accepted as well overwrites, or is overwritten. Only rounds that provably overlapped say anything.</p>\n\
         <div class=\"scroll\"><table class=\"writers\"><thead><tr><th scope=\"col\">Writers</th><th scope=\"col\">Rounds</th>\
         <th scope=\"col\">Overlapping</th><th scope=\"col\">With loss</th>\
         <th scope=\"col\" class=\"share\">Share of the overlapping rounds</th><th scope=\"col\">Writes lost</th></tr></thead><tbody>\n",
    );
    for row in lost_updates {
        let share = if row.overlapping == 0 {
            None
        } else {
            Some((f64::from(row.rounds_with_loss) / f64::from(row.overlapping)).min(1.0))
        };
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td class=\"share\">{}</td><td>{}</td></tr>",
            count(row.writers),
            count(row.rounds),
            count(row.overlapping),
            count(row.rounds_with_loss),
            bar(share, row.overlapping),
            count(row.lost),
        );
    }
    html.push_str("</tbody></table></div></section>\n");
    html
}

/// The share as a bar; where nothing was lost, what that allows to say: three over so many, at 95 %.
fn bar(share: Option<f64>, overlapping: u32) -> String {
    let Some(share) = share else {
        return "<small>none overlapped: nothing can be said</small>".to_owned();
    };
    if share == 0.0 {
        let bound = (300.0 / f64::from(overlapping)).min(100.0);
        return format!(
            "<small>0 %; at 95 % confidence below {} %</small>",
            percent(bound)
        );
    }
    format!(
        "<svg width=\"160\" height=\"10\" aria-hidden=\"true\"><rect class=\"all\" width=\"160\" height=\"10\" rx=\"2\"/>\
         <rect class=\"lost\" width=\"{:.1}\" height=\"10\" rx=\"2\"/></svg> {} %",
        (share * 160.0).max(2.0),
        percent(share * 100.0)
    )
}

fn percent(percent: f64) -> String {
    if percent < 10.0 && percent.fract() != 0.0 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    }
}

fn count(number: u32) -> String {
    figure::count(number as usize)
}
