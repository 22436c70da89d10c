use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::book::{Book, Entry, told_tag};
use super::escape::{Text, Value};
use super::figure;
use super::mark::{self, Mark};
use super::rows::{Rows, rows};
use super::scale::Scale;
use crate::model::Exchange;

/// What is drawn, and how large.
pub(super) struct Lanes<'a> {
    pub book: &'a Book<'a>,
    /// In the order of time.
    pub shown: Vec<Entry>,
    /// Exchanges that are drawn so that they stand out.
    pub evidence: &'a BTreeSet<Entry>,
    /// Exchanges whose details are in the report: their bars link there.
    pub detailed: &'a BTreeSet<Entry>,
    pub size: Size,
    /// What the drawing is, for who cannot see it.
    pub title: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// With labels, tags and arrows.
    Full,
    /// As much as fits.
    Small,
}

const WIDTH: f64 = 1080.0;
/// Where the names of the actors end.
const LEFT: f64 = 120.0;
/// Room for what stands behind the last bar.
const RIGHT: f64 = 164.0;
const TOP: f64 = 36.0;
/// About the width of a digit.
const CHAR: f64 = 6.1;

/// Where a bar is drawn.
#[derive(Clone, Copy)]
struct Spot {
    row: usize,
    left: f64,
    right: f64,
    middle: f64,
}

impl Lanes<'_> {
    /// The drawing: a lane for each client, a bar for each exchange, an arrow from each tag to who used it.
    pub(super) fn draw(&self) -> String {
        let exchanges: Vec<&Exchange> = self
            .shown
            .iter()
            .map(|place| self.book.exchange(*place))
            .collect();
        let scale = Scale::of(&exchanges, LEFT, WIDTH - RIGHT);
        let rows = rows(&exchanges);
        let spots: HashMap<Entry, Spot> = self
            .shown
            .iter()
            .zip(&exchanges)
            .zip(&rows.of)
            .map(|((place, exchange), row)| (*place, self.spot(&scale, exchange, *row)))
            .collect();
        let height = TOP + self.pitch() * rows.count() as f64 + 6.0;
        let class = match self.size {
            Size::Full => "lanes",
            Size::Small => "lanes small",
        };
        let mut svg = format!(
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{title}\"><svg class=\"{class}\" \
             viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"group\" aria-label=\"{title}\">\n",
            title = Value(&self.title),
        );
        self.axis(&mut svg, &scale, height);
        self.grounds(&mut svg, &rows, WIDTH);
        if self.size == Size::Full {
            self.arrows(&mut svg, &spots);
        }
        for (place, exchange) in self.shown.iter().zip(&exchanges) {
            self.bar(&mut svg, *place, exchange, &scale, &spots);
        }
        self.names(&mut svg, &rows, height);
        svg.push_str("</svg></div>\n");
        svg
    }

    /// From one lane to the next.
    fn pitch(&self) -> f64 {
        match self.size {
            Size::Full => 30.0,
            Size::Small => 17.0,
        }
    }

    fn spot(&self, scale: &Scale, exchange: &Exchange, row: usize) -> Spot {
        let left = scale.x(exchange.begun);
        let least = if self.size == Size::Full { 5.0 } else { 2.0 };
        Spot {
            row,
            left,
            right: scale.x(exchange.ended).max(left + least),
            middle: TOP + self.pitch() * (row as f64 + 0.5),
        }
    }

    fn axis(&self, svg: &mut String, scale: &Scale, height: f64) {
        svg.push_str("<g class=\"axis\" aria-hidden=\"true\">");
        for tick in scale.ticks() {
            let _ = write!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{height}\"/><text x=\"{x:.1}\" y=\"12\">{}</text>",
                tick.label,
                x = tick.x,
            );
        }
        let mut free = LEFT;
        for (left, right, length) in scale.cuts() {
            let middle = f64::midpoint(left, right);
            let said = figure::time(length);
            let _ = write!(
                svg,
                "<rect class=\"cut\" x=\"{:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>{said} in which \
                 nothing began or ended</title></rect>",
                left + 3.0,
                right - left - 6.0,
                height - TOP,
            );
            // Of several close together only some can be labelled.
            if middle - 20.0 > free {
                let y = TOP - 6.0;
                let _ = write!(
                    svg,
                    "<text class=\"cut\" x=\"{middle:.1}\" y=\"{y}\">{said}</text>"
                );
                free = middle + 20.0;
            }
        }
        svg.push_str("</g>\n");
    }

    /// A line above and below each lane, so wide.
    fn grounds(&self, svg: &mut String, rows: &Rows, width: f64) {
        svg.push_str("<path class=\"ground\" aria-hidden=\"true\" d=\"");
        let firsts = rows.names.iter().map(|(first, _)| *first);
        for row in firsts.chain([rows.count()]) {
            let _ = write!(svg, "M0 {:.1}H{width}", TOP + self.pitch() * row as f64);
        }
        svg.push_str("\"/>\n");
    }

    /// They cover what is moved below them.
    fn names(&self, svg: &mut String, rows: &Rows, height: f64) {
        let _ = write!(
            svg,
            "<g class=\"names\"><rect y=\"{}\" width=\"{}\" height=\"{:.1}\"/>",
            TOP + 1.0,
            LEFT - 14.0,
            height - TOP - 7.0
        );
        self.grounds(svg, rows, LEFT - 14.0);
        for (row, name) in &rows.names {
            let y = TOP + self.pitch() * (*row as f64 + 0.5) + 3.5;
            let short = shortened(name, 15);
            let _ = write!(
                svg,
                "<text x=\"4\" y=\"{y:.1}\"><title>{}</title>{}</text>",
                Text(name),
                Text(&short)
            );
        }
        svg.push_str("</g>\n");
    }

    /// From the end of the answer that told a tag, to the beginning of the request that sends it.
    fn arrows(&self, svg: &mut String, spots: &HashMap<Entry, Spot>) {
        svg.push_str("<g class=\"arrows\" aria-hidden=\"true\">");
        let mut sources = BTreeSet::new();
        for (place, to) in spots_in_order(&self.shown, spots) {
            let Some(source) = self.book.source(place) else {
                continue;
            };
            let Some(from) = spots.get(&source) else {
                continue;
            };
            sources.insert(source);
            let class = if self.evidence.contains(&place) {
                "shows"
            } else {
                "by"
            };
            let (x, y) = (from.right + 1.0, from.middle);
            let (end_x, end_y) = (to.left - 1.0, to.middle);
            let _ = if from.row == to.row {
                let below = y + 11.0;
                write!(
                    svg,
                    "<path class=\"{class}\" d=\"M{x:.1} {y:.1}C{x:.1} {below:.1} {:.1} {below:.1} {end_x:.1} {end_y:.1}\"/>",
                    end_x - 8.0
                )
            } else {
                let bend = ((end_x - x) / 2.0).max(14.0);
                write!(
                    svg,
                    "<path class=\"{class}\" d=\"M{x:.1} {y:.1}C{:.1} {y:.1} {:.1} {end_y:.1} {end_x:.1} {end_y:.1}\"/>",
                    x + bend,
                    end_x - bend,
                )
            };
        }
        for source in sources {
            let spot = spots[&source];
            let _ = write!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.2\"/>",
                spot.right + 1.0,
                spot.middle
            );
        }
        svg.push_str("</g>\n");
    }

    fn bar(
        &self,
        svg: &mut String,
        place: Entry,
        exchange: &Exchange,
        scale: &Scale,
        spots: &HashMap<Entry, Spot>,
    ) {
        let spot = spots[&place];
        let mark = Mark::of(exchange);
        let weight = if self.evidence.contains(&place) {
            " shows"
        } else {
            ""
        };
        let thick = match (self.size, mark::is_write(exchange)) {
            (Size::Full, true) => 14.0,
            (Size::Full, false) => 8.0,
            (Size::Small, true) => 9.0,
            (Size::Small, false) => 5.0,
        };
        let top = spot.middle - thick / 2.0;
        let width = spot.right - spot.left;
        let released = scale.x(exchange.released).min(spot.right);
        let said = self.said(exchange, mark);
        let link = self.detailed.contains(&place);
        let _ = match link {
            true => write!(
                svg,
                "<a class=\"bar {}{weight}\" href=\"#{}\" aria-label=\"{}\">",
                mark.class,
                self.book.name(place),
                Value(&said)
            ),
            false => write!(svg, "<g class=\"bar {}{weight}\">", mark.class),
        };
        let _ = write!(svg, "<title>{}</title>", Text(&said));
        if self.size == Size::Full {
            // A ground to hit, and to be seen when it has the focus.
            let _ = write!(
                svg,
                "<rect class=\"hit\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"22\" rx=\"4\"/>",
                spot.left - 4.0,
                spot.middle - 11.0,
                width + 8.0
            );
        }
        let _ = write!(
            svg,
            "<rect class=\"body\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{thick}\" rx=\"2\"/>",
            spot.left
        );
        if self.size == Size::Full {
            let _ = write!(
                svg,
                "<path class=\"released\" d=\"M{released:.1} {:.1}v{:.1}\"/>",
                top - 3.0,
                thick + 6.0
            );
            self.label(svg, place, exchange, mark, spots);
        }
        svg.push_str(if link { "</a>\n" } else { "</g>\n" });
    }

    /// Behind the bar, as much as there is room for: its sign, method and status, and the tag of its answer.
    fn label(
        &self,
        svg: &mut String,
        place: Entry,
        exchange: &Exchange,
        mark: Mark,
        spots: &HashMap<Entry, Spot>,
    ) {
        let spot = spots[&place];
        let next = self
            .shown
            .iter()
            .map(|other| spots[other])
            .filter(|other| other.row == spot.row && other.left > spot.left)
            .map(|other| other.left)
            .fold(WIDTH, f64::min);
        let room = next - spot.right - 8.0;
        if room < 14.0 {
            return;
        }
        let _ = write!(
            svg,
            "<use href=\"#sign-{}\" x=\"{:.1}\" y=\"{:.1}\"/>",
            mark.class,
            spot.right + 9.0,
            spot.middle - 5.0
        );
        let status = mark::status(exchange);
        let method = format!("{} {status}", exchange.request.method);
        let tag = told_tag(exchange).map(|tag| format!("{method} {}", without_middle(tag, 12)));
        let fits = |text: &String| (text.chars().count() as f64) * CHAR + 24.0 < room;
        let Some(text) = [tag, Some(method), Some(status)]
            .into_iter()
            .flatten()
            .find(fits)
        else {
            return;
        };
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            spot.right + 22.0,
            spot.middle + 3.5,
            Text(&text)
        );
    }

    /// `17, writer-3: PUT /notes/1: 412, refused, after 310 µs`.
    fn said(&self, exchange: &Exchange, mark: Mark) -> String {
        format!(
            "{}, {}: {} {}: {}, {}, after {}",
            exchange.number,
            shortened(&exchange.actor, 60),
            exchange.request.method,
            shortened(&mark::path(exchange), 60),
            mark::status(exchange),
            mark.word,
            figure::time(exchange.ended.saturating_sub(exchange.begun)),
        )
    }
}

fn spots_in_order<'a>(
    shown: &'a [Entry],
    spots: &'a HashMap<Entry, Spot>,
) -> impl Iterator<Item = (Entry, Spot)> + 'a {
    shown.iter().map(|place| (*place, spots[place]))
}

/// At most so many characters: how a tag begins, and how it ends, in which tags mostly differ.
fn without_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end = most / 2;
    let start = most - end - 1;
    let chars = text.chars();
    chars
        .clone()
        .take(start)
        .chain(['…'])
        .chain(chars.skip(count - end))
        .collect()
}

/// At most so many characters, the last of which says that there were more.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}
