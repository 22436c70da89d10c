use std::collections::HashSet;

use similar::DiffableStr;

/// Splits a text into words, spaces and punctuation, by the word boundaries of Unicode (UAX #29).
/// The pieces add up to the text, and what a reader sees as one character is never split.
pub(super) fn split(text: &str) -> Vec<&str> {
    let words = text.tokenize_unicode_words();
    if text.is_ascii() {
        return words;
    }
    let ends: HashSet<usize> = ends(&text.tokenize_graphemes()).collect();
    let mut start = 0;
    let mut whole = Vec::with_capacity(words.len());
    for end in self::ends(&words) {
        if ends.contains(&end) {
            whole.push(&text[start..end]);
            start = end;
        }
    }
    whole
}

fn ends(pieces: &[&str]) -> impl Iterator<Item = usize> {
    pieces.iter().scan(0, |end, piece| {
        *end += piece.len();
        Some(*end)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_whole_and_so_is_what_looks_like_one_character() {
        let cases = [
            ("", ""),
            ("The fox, 3.5 m", "The| |fox|,| |3.5| |m"),
            ("can't stop", "can't| |stop"),
            ("a  b\n", "a|  |b|\n"),
            ("e\u{301}te\u{301} x", "e\u{301}te\u{301}| |x"),
            ("👩\u{200d}👩\u{200d}👧👍🏽!", "👩\u{200d}👩\u{200d}👧|👍🏽|!"),
            ("🇩🇪🇫🇷", "🇩🇪|🇫🇷"),
            ("日本", "日|本"),
            // A mark that combines with what follows: two words by the standard, but one visible
            // character.
            ("\u{600}1", "\u{600}1"),
        ];
        for (text, words) in cases {
            assert_eq!(split(text).join("|"), words, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_the_sum_of_its_words(text in "[a ,.é\u{301}\u{200d}👩👍🏽🇩🇪\u{600}ก\u{e33}\r\n]{0,12}") {
            let words = split(&text);
            prop_assert_eq!(words.concat(), text.as_str());
            let graphemes: usize = words.iter().map(|word| word.tokenize_graphemes().len()).sum();
            prop_assert_eq!(graphemes, text.tokenize_graphemes().len());
        }
    }
}
