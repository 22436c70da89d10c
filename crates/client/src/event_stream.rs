/// Reads server-sent events (HTML Standard, section 9.2.6), however the bytes are split.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    began: bool,
    /// The last line ended with CR, so an LF that follows belongs to it.
    after_cr: bool,
    block: Block,
}

/// The lines between two blank lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    /// `None` for a block that is not an event, but only has an id or a time to wait.
    pub(crate) data: Option<String>,
    pub(crate) retry_ms: Option<u64>,
}

impl EventStream {
    /// Reads more bytes and returns the blocks that are complete now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        for &byte in bytes {
            let belongs_to_cr = std::mem::take(&mut self.after_cr) && byte == b'\n';
            match byte {
                _ if belongs_to_cr => {}
                b'\r' | b'\n' => {
                    self.after_cr = byte == b'\r';
                    blocks.extend(self.end_line());
                }
                _ => self.line.push(byte),
            }
        }
        blocks
    }

    fn end_line(&mut self) -> Option<Block> {
        let line = std::mem::take(&mut self.line);
        let mut text = &*String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.began, true) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            let block = std::mem::take(&mut self.block);
            return (block != Block::default()).then_some(block);
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        self.block
            .set(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }
}

impl Block {
    fn set(&mut self, field: &str, value: &str) {
        match field {
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "event" => self.event = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok();
            }
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            // A comment has no name; unknown fields are ignored.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        let blocks = EventStream::default().push(text.as_bytes());
        blocks.iter().map(told).collect()
    }

    fn told(block: &Block) -> String {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let retry = block.retry_ms.map(|ms| ms.to_string());
        let parts = [&block.id, &block.event, &block.data, &retry];
        parts.map(or_none).join("|")
    }

    #[test]
    fn blocks() {
        let cases: &[(&str, &[&str])] = &[
            ("id: 3\nretry: 1000\n\n", &["3|-|-|1000"]),
            ("id: 4\nevent: change\ndata: {}\n\n", &["4|change|{}|-"]),
            ("data: a\ndata:b\n\n", &["-|-|a\nb|-"]),
            ("data\n\n", &["-|-||-"]),
            ("data:  two\n\n", &["-|-| two|-"]),
            (":\n\n: comment\n\n", &[]),
            (
                "data: x\r\n\r\ndata: y\r\rid: 1\n\n",
                &["-|-|x|-", "-|-|y|-", "1|-|-|-"],
            ),
            ("\u{feff}id: 1\n\n", &["1|-|-|-"]),
            ("id: a\0b\ndata: x\n\n", &["-|-|x|-"]),
            ("retry: soon\nwhat: 1\n\n", &[]),
            ("id: 7\ndata: cut off", &[]),
            ("id: 7\ndata: cut off\n", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), *expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            lines in prop::collection::vec("(id: [0-9]|data: [aé😀]{0,3}|)(\n|\r\n|\r)", 0..12),
            cuts in prop::collection::vec(1..5usize, 1..40)
        ) {
            let text = lines.concat();
            let whole = EventStream::default().push(text.as_bytes());
            let mut stream = EventStream::default();
            let mut pieces = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                pieces.extend(stream.push(piece));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
