use std::collections::HashSet;

/// RFC 9113, section 4.1.
const HEAD: usize = 9;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;

/// Frames on their way in: only their heads are looked at, to know whose answer came.
#[derive(Default)]
pub(super) struct Arrivals {
    head: Vec<u8>,
    /// Bytes of the frame's content that are still to come.
    content: usize,
    /// Streams of which a part of an answer came, or a refusal to give one.
    pub answered: HashSet<u32>,
}

impl Arrivals {
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.content.min(bytes.len());
            self.content -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEAD - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.head.len() == HEAD {
                self.content = content_length(&self.head);
                if matches!(self.head[3], HEADERS | RST_STREAM) {
                    self.answered.insert(stream_of(&self.head));
                }
                self.head.clear();
            }
        }
    }
}

/// The stream that a frame belongs to.
pub(super) fn stream_of(frame: &[u8]) -> u32 {
    let [a, b, c, d] = [frame[5], frame[6], frame[7], frame[8]];
    u32::from_be_bytes([a & 0x7f, b, c, d])
}

fn content_length(head: &[u8]) -> usize {
    usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_seen_however_the_bytes_are_divided() {
        let mut bytes = Vec::new();
        // (kind, stream, content)
        let frames: [(u8, u8, &[u8]); 5] = [
            (4, 0, &[0; 6]),
            (HEADERS, 1, &[1; 30]),
            (0, 1, &[1; 40]),
            (RST_STREAM, 5, &[0; 4]),
            (8, 7, &[0; 4]),
        ];
        for (kind, stream, content) in frames {
            let length = u8::try_from(content.len()).expect("it is short");
            bytes.extend([0, 0, length, kind, 0, 0, 0, 0, stream]);
            bytes.extend(content);
        }
        for size in 1..bytes.len() {
            let mut arrivals = Arrivals::default();
            for part in bytes.chunks(size) {
                arrivals.see(part);
            }
            assert_eq!(arrivals.answered, HashSet::from([1, 5]), "in {size}s");
        }
    }
}
