use super::Pointer;
use super::parse::{Nothing, Parser};

/// The text of the value that `pointer` names inside `text`, which must be JSON already checked.
pub fn find<'a>(text: &'a str, pointer: &Pointer) -> Option<&'a str> {
    let mut parser = Parser::<Nothing>::new(text);
    parser.space();
    for token in pointer.tokens() {
        match parser.peek()? {
            b'{' => enter_member(&mut parser, token)?,
            b'[' => enter_item(&mut parser, Pointer::index(token)?)?,
            _ => return None,
        }
        parser.space();
    }
    let start = parser.at;
    parser.value().ok()?;
    Some(&text[start..parser.at])
}

fn enter_member(parser: &mut Parser<'_, Nothing>, name: &str) -> Option<()> {
    parser.at += 1;
    loop {
        parser.space();
        if parser.peek()? != b'"' {
            return None;
        }
        let found = parser.string().ok()? == name;
        parser.eat(b':');
        parser.space();
        if found {
            return Some(());
        }
        parser.value().ok()?;
        if !parser.eat(b',') {
            return None;
        }
    }
}

fn enter_item(parser: &mut Parser<'_, Nothing>, index: usize) -> Option<()> {
    parser.at += 1;
    parser.space();
    for _ in 0..index {
        parser.value().ok()?;
        if !parser.eat(b',') {
            return None;
        }
        parser.space();
    }
    (parser.peek()? != b']').then_some(())
}

/// Checked JSON without the white space between its tokens: one line, whatever was sent.
pub fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut kept = 0;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.push_str(&text[kept..at]);
            kept = at + 1;
        }
    }
    out.push_str(&text[kept..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_without_a_tree() {
        let text = r#" { "a" : [ 1 , { "b~/" : "x\"]" } , [] ], "c":null, "\u0064": 7 } "#;
        let cases = [
            ("/a/0", Some("1")),
            ("/a/1/b~0~1", Some(r#""x\"]""#)),
            ("/a/2", Some("[]")),
            ("/a/2/0", None),
            ("/a/3", None),
            ("/c", Some("null")),
            ("/c/x", None),
            ("/d", Some("7")),
            ("/e", None),
        ];
        for (pointer, expected) in cases {
            assert_eq!(find(text, &pointer.parse().unwrap()), expected, "{pointer}");
        }
        assert_eq!(find("{}", &"/a".parse().unwrap()), None);
    }

    #[test]
    fn compact_leaves_strings_alone() {
        let text = "{ \"a b\" :\r\n [ 1,\t\"x \\\" y\\\\\" , 2 ] }";
        assert_eq!(compact(text), r#"{"a b":[1,"x \" y\\",2]}"#);
    }
}
