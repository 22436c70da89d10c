/// A text as lines without their ends, and the kind of end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'t> {
    pub(super) lines: Vec<&'t str>,
    /// `None` if the text has no line end.
    pub(super) ending: Option<Ending>,
    /// Whether the last line has an end; `None` if there is no line.
    pub(super) is_terminated: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    LineFeed,
    CarriageReturnLineFeed,
    Mixed,
}

impl<'t> Page<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut page = Self {
            lines: Vec::new(),
            ending: None,
            is_terminated: None,
        };
        for line in text.split_inclusive('\n') {
            let (content, ending) = match line.strip_suffix('\n') {
                Some(content) => match content.strip_suffix('\r') {
                    Some(content) => (content, Some(Ending::CarriageReturnLineFeed)),
                    None => (content, Some(Ending::LineFeed)),
                },
                None => (line, None),
            };
            page.lines.push(content);
            page.is_terminated = Some(ending.is_some());
            page.ending = match (page.ending, ending) {
                (Some(before), Some(ending)) if before != ending => Some(Ending::Mixed),
                (before, ending) => before.or(ending),
            };
        }
        page
    }
}

impl Ending {
    fn as_str(self) -> &'static str {
        match self {
            Self::CarriageReturnLineFeed => "\r\n",
            Self::LineFeed | Self::Mixed => "\n",
        }
    }

    pub(super) fn write<L: AsRef<str>>(self, lines: &[L], is_terminated: bool) -> String {
        let length: usize = lines.iter().map(|line| line.as_ref().len() + 2).sum();
        let mut text = String::with_capacity(length);
        for (index, line) in lines.iter().enumerate() {
            text.push_str(line.as_ref());
            if is_terminated || index + 1 < lines.len() {
                text.push_str(self.as_str());
            }
        }
        text
    }
}

/// The line end of the side that changed it; `None` if both changed it in different ways.
///
/// A text without line ends does not count as a change.
pub(super) fn joined_ending(
    base: Option<Ending>,
    ours: Option<Ending>,
    theirs: Option<Ending>,
) -> Option<Ending> {
    let (ours, theirs) = (ours.or(base), theirs.or(base));
    let joined = match (ours, theirs) {
        (None, only) | (only, None) => only,
        _ if ours == base => theirs,
        _ if theirs == base || ours == theirs => ours,
        _ => return None,
    };
    Some(joined.unwrap_or(Ending::LineFeed))
}

/// Whether the joined last line has an end; without a base, it has one if both sides have.
pub(super) fn joined_termination([base, ours, theirs]: &[Page<'_>; 3]) -> bool {
    let base = base.is_terminated;
    let ours = ours.is_terminated.or(base);
    let theirs = theirs.is_terminated.or(base);
    let joined = match (ours, theirs) {
        _ if ours == base => theirs,
        _ if theirs == base || ours == theirs => ours,
        _ => Some(true),
    };
    joined.unwrap_or(true)
}
