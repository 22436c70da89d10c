//! Texts of few words, so that two edits of one text often touch the same place.

use crate::dice::Dice;

const LINES: [&str; 6] = [
    "the red fox runs",
    "the blue fox sleeps",
    "",
    "a café 👩\u{200d}👧 at nine",
    "<<<<<<< ours",
    "end",
];

const WORDS: [&str; 6] = ["red", "slow", "é", "e\u{301}", "👍🏽", "ten"];

pub(crate) fn text(dice: &mut Dice) -> String {
    let count = dice.roll(6);
    let lines: Vec<_> = (0..count).map(|_| dice.pick(&LINES)).collect();
    let end = if dice.once_in(4) { "" } else { "\n" };
    lines.join("\n") + end
}

pub(crate) fn edited(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let at = dice.roll(lines.len() + 1);
    let next = dice.roll(lines.len() + 1);
    match dice.roll(9) {
        0 => lines.insert(at, format!("{}\n", dice.pick(&LINES))),
        1 if at < lines.len() => drop(lines.remove(at)),
        2 if at < lines.len() && next < lines.len() => lines.swap(at, next),
        3 => return text.replace("\r\n", "\n").replace('\n', "\r\n"),
        4 if text.ends_with('\n') => return text.trim_end_matches('\n').to_owned(),
        4 => return text.to_owned() + "\n",
        _ if at < lines.len() => {
            let mut words: Vec<_> = lines[at].split(' ').collect();
            let at_word = dice.roll(words.len());
            if at_word + 1 < words.len() {
                words[at_word] = dice.pick(&WORDS);
            } else {
                words.insert(at_word, dice.pick(&WORDS));
            }
            lines[at] = words.join(" ");
        }
        _ => lines.push(format!("{}\n", dice.pick(&LINES))),
    }
    lines.concat()
}
