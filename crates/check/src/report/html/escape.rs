use std::fmt::{self, Write as _};

/// Text of anybody, as content of an element.
///
/// Characters that would not be seen, or that turn what follows around, are shown by their number: a name in a report
/// reads as it is.
pub(super) struct Text<'a>(pub &'a str);

/// Text of anybody, as the value of an attribute between double quotes.
pub(super) struct Value<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| write(f, char))
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => write(f, char),
        })
    }
}

fn write(f: &mut fmt::Formatter<'_>, char: char) -> fmt::Result {
    match char {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '\n' | '\t' => f.write_char(char),
        // A line ends with both in HTTP; one of them is enough to be seen.
        '\r' => Ok(()),
        _ if is_unseen(char) => write!(f, "⟨U+{:04X}⟩", u32::from(char)),
        _ => f.write_char(char),
    }
}

/// Controls, and marks that set the direction of text.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_markup() {
        let cases = [
            // (text, as content, as a value)
            ("a & b", "a &amp; b", "a &amp; b"),
            (
                "</pre><script>",
                "&lt;/pre&gt;&lt;script&gt;",
                "&lt;/pre&gt;&lt;script&gt;",
            ),
            (
                r#"" onload='x'"#,
                r#"" onload='x'"#,
                "&quot; onload=&#39;x&#39;",
            ),
            ("a\r\nb", "a\nb", "a\nb"),
            ("\0\u{202E}", "⟨U+0000⟩⟨U+202E⟩", "⟨U+0000⟩⟨U+202E⟩"),
        ];
        for (text, content, value) in cases {
            assert_eq!(Text(text).to_string(), content, "{text:?}");
            assert_eq!(Value(text).to_string(), value, "{text:?}");
        }
    }
}
