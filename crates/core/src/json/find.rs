use super::Pointer;
use super::scan::Scanner;

/// The text of the value that `pointer` names in `text`, which must be checked JSON.
pub fn find<'a>(text: &'a str, pointer: &Pointer) -> Option<&'a str> {
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.space();
    for token in pointer.tokens() {
        match scanner.peek()? {
            b'{' => enter_member(&mut scanner, text, token)?,
            b'[' => enter_item(&mut scanner, Pointer::index(token)?)?,
            _ => return None,
        }
        scanner.space();
    }
    Some(&text[scanner.value()])
}

fn enter_member(scanner: &mut Scanner<'_>, text: &str, name: &str) -> Option<()> {
    scanner.at += 1;
    loop {
        scanner.space();
        let found = scanner.name()?.of(text.as_bytes()) == name.as_bytes();
        scanner.eat(b':');
        scanner.space();
        if found {
            return Some(());
        }
        scanner.value();
        if !scanner.eat(b',') {
            return None;
        }
    }
}

fn enter_item(scanner: &mut Scanner<'_>, index: usize) -> Option<()> {
    scanner.at += 1;
    scanner.space();
    for _ in 0..index {
        scanner.value();
        if !scanner.eat(b',') {
            return None;
        }
        scanner.space();
    }
    (scanner.peek()? != b']').then_some(())
}

/// The texts of the values of an array; `text` must be checked JSON. `None`: it is no array.
pub fn items(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut scanner = Scanner::new(text);
    if !scanner.eat(b'[') {
        return None;
    }
    let mut items = Vec::new();
    scanner.space();
    if scanner.peek()? == b']' {
        return Some(items);
    }
    loop {
        scanner.space();
        items.push(&text[scanner.value()]);
        if !scanner.eat(b',') {
            return Some(items);
        }
    }
}

/// Checked JSON without the white space between its tokens, on one line.
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
    fn an_array_is_split_without_a_tree() {
        let cases: [(&str, Option<&[&str]>); 6] = [
            (" [ ] ", Some(&[])),
            ("[1]", Some(&["1"])),
            (
                "\n[ {\"a\":[1,\"]\"]} ,[2 , 3],\t\"x,\\\"\" , null ]",
                Some(&["{\"a\":[1,\"]\"]}", "[2 , 3]", "\"x,\\\"\"", "null"]),
            ),
            ("{\"a\":[]}", None),
            ("\"[]\"", None),
            ("7", None),
        ];
        for (text, expected) in cases {
            let items = items(text.as_bytes());
            let items = items.map(|all| {
                all.into_iter()
                    .map(|it| std::str::from_utf8(it).unwrap())
                    .collect::<Vec<_>>()
            });
            assert_eq!(items.as_deref(), expected, "{text}");
        }
    }

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
