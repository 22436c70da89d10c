use axum::http::HeaderMap;
use detente_core::{EntityTag, Key, VersionTag};
use detente_service::{About, State, StateCondition, StateList, StateLists};

use crate::problem::Problem;

/// How many conditions all lists together may have.
const MAX_CONDITIONS: usize = 256;

/// The lists of `If` (RFC 4918, section 10.4); none if there is no such field. `file` finds the file of a URL
/// of this server.
///
/// # Errors
///
/// A problem that names the place.
pub(super) fn state_lists(
    headers: &HeaderMap,
    file: impl Fn(&str) -> Option<Key>,
) -> Result<StateLists, Problem> {
    let mut lists = StateLists::default();
    for value in headers.get_all("if") {
        let text = value
            .to_str()
            .map_err(|_| malformed(0, "it must be ASCII"))?;
        Parser { text, at: 0 }.read(&file, &mut lists)?;
    }
    Ok(lists)
}

fn malformed(at: usize, what: &str) -> Problem {
    Problem::malformed(format!("If: {what}, at byte {at}."))
        .with("header", "If")
        .with("offset", at as u64)
}

fn single(text: &str) -> Option<EntityTag> {
    let mut tags = EntityTag::parse_list(text.as_bytes()).ok()?;
    match tags.len() {
        1 => tags.pop(),
        _ => None,
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn read(
        mut self,
        file: impl Fn(&str) -> Option<Key>,
        lists: &mut StateLists,
    ) -> Result<(), Problem> {
        let mut about = About::Target;
        let mut count = 0;
        while let Some(next) = self.peek() {
            match next {
                '<' => {
                    let url = self.enclosed('<', '>')?;
                    about = file(url).map_or(About::Elsewhere, About::File);
                    if self.peek() != Some('(') {
                        return Err(malformed(
                            self.at,
                            "a list in parentheses must follow a URL",
                        ));
                    }
                }
                '(' => {
                    let conditions = self.list()?;
                    count += conditions.len();
                    if count > MAX_CONDITIONS {
                        let what = format!("it has more than {MAX_CONDITIONS} conditions");
                        return Err(malformed(self.at, &what));
                    }
                    lists.0.push(StateList {
                        about: about.clone(),
                        conditions,
                    });
                }
                _ => return Err(malformed(self.at, "a list must be in parentheses")),
            }
        }
        if count == 0 {
            return Err(malformed(self.at, "it must have a list of conditions"));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<StateCondition>, Problem> {
        self.at += 1;
        let mut conditions = Vec::new();
        loop {
            let is_not = self.not();
            let state = match self.peek() {
                Some('<') => State::Token(self.enclosed('<', '>')?.into()),
                Some('[') => {
                    let at = self.at;
                    let tag = single(self.enclosed('[', ']')?);
                    let tag =
                        tag.ok_or_else(|| malformed(at, "an entity tag must be in brackets"))?;
                    State::Tag(VersionTag::without_suffix(tag))
                }
                Some(')') if !is_not && !conditions.is_empty() => {
                    self.at += 1;
                    return Ok(conditions);
                }
                _ => {
                    let what =
                        "a list must have tokens in <> and entity tags in [], and end with )";
                    return Err(malformed(self.at, what));
                }
            };
            conditions.push(StateCondition { is_not, state });
        }
    }

    fn not(&mut self) -> bool {
        self.peek();
        let rest = &self.text.as_bytes()[self.at..];
        let is_not = rest
            .get(..3)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"not"));
        if is_not {
            self.at += 3;
        }
        is_not
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let next = rest.find(|it: char| !it.is_ascii_whitespace())?;
        self.at += next;
        self.text[self.at..].chars().next()
    }

    fn enclosed(&mut self, open: char, close: char) -> Result<&'a str, Problem> {
        debug_assert_eq!(self.text[self.at..].chars().next(), Some(open));
        let from = self.at + 1;
        let end = self.text[from..].find(close);
        let end = end.ok_or_else(|| malformed(from, &format!("{close} is missing")))?;
        self.at = from + end + 1;
        Ok(&self.text[from..from + end])
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(text: &str) -> Result<StateLists, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert("if", HeaderValue::from_str(text).unwrap());
        state_lists(&headers, |url| {
            Key::file("s", url.strip_prefix("/dav/")?).ok()
        })
    }

    #[test]
    fn lists_are_read() {
        let lists = read(r#"(<urn:a> ["1-x"]) (Not <urn:b>)"#).unwrap().0;
        assert_eq!(lists.len(), 2);
        assert_eq!(lists[0].conditions.len(), 2);
        assert!(matches!(&lists[0].conditions[0].state, State::Token(it) if **it == *"urn:a"));
        assert!(matches!(lists[0].conditions[1].state, State::Tag(_)));
        assert!(lists[1].conditions[0].is_not);
        let tagged = read("</dav/a> (<urn:a>) (<urn:b>) <http://else/> (<urn:c>)")
            .unwrap()
            .0;
        let key = Key::file("s", "a").unwrap();
        assert!(matches!(&tagged[0].about, About::File(it) if *it == key));
        assert!(matches!(&tagged[1].about, About::File(it) if *it == key));
        assert!(matches!(tagged[2].about, About::Elsewhere));
        assert!(read("(<urn:a>)").unwrap().0[0].conditions.len() == 1);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "(",
            "()",
            "(Not)",
            "(<urn:a>",
            "(<urn:a)",
            "<urn:a>",
            "([x])",
            "x (<a>)",
            "(<a>) Not",
            "(\"1\")",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let many = "(<a>)".repeat(MAX_CONDITIONS + 1);
        assert!(read(&many).is_err());
    }
}
