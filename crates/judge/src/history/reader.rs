use std::io::BufRead;

use crate::history::line;
use crate::history::mistake::{Problem, ReadError, Slip};
use crate::history::operation::Operation;

/// Reads a history line by line; only one is in memory. Blank lines are passed over.
///
/// ```
/// use detente_judge::history::{Kind, Reader};
///
/// let text = r#"{"actor":"alice","key":"/notes/1","kind":"read","begun":0,"ended":310,"outcome":"ok","value":"n1","tag":"\"1\""}"#;
/// let mut reader = Reader::new(text.as_bytes());
/// let operation = reader.read()?.expect("there is a line");
/// assert_eq!(operation.kind, Kind::Read);
/// assert_eq!(operation.tag.as_deref(), Some("\"1\""));
/// assert!(reader.read()?.is_none());
/// # Ok::<(), detente_judge::history::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    line: usize,
    text: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// A reader of a history, line by line.
    pub fn new(source: R) -> Self {
        Self {
            source,
            line: 0,
            text: Vec::new(),
        }
    }

    /// The next operation, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReadError::Mistakes`] with all that is wrong with a line; the next call reads the line after it.
    pub fn read(&mut self) -> Result<Option<Operation<'_>>, ReadError> {
        loop {
            self.text.clear();
            if self.source.read_until(b'\n', &mut self.text)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        parse(&self.text).map(Some).map_err(|slips| {
            let mistakes = slips
                .into_iter()
                .map(|slip| slip.in_line(self.line, &self.text));
            ReadError::Mistakes(mistakes.collect())
        })
    }

    /// How many lines were read so far, blank ones too.
    pub fn line(&self) -> usize {
        self.line
    }
}

fn parse(text: &[u8]) -> Result<Operation<'_>, Vec<Slip>> {
    let end = text.trim_ascii_end().len();
    match std::str::from_utf8(&text[..end]) {
        Ok(text) => line::parse(text),
        Err(error) => Err(vec![Slip {
            at: error.valid_up_to(),
            member: None,
            problem: Problem::Encoding,
        }]),
    }
}
