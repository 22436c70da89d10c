use std::io::{self, Write};

use crate::history::members::Member;
use crate::history::operation::Operation;

/// Writes one operation as a line, its end included. Members that say nothing are left out.
///
/// # Errors
///
/// Those of `sink`.
pub fn write(operation: &Operation<'_>, sink: &mut impl Write) -> io::Result<()> {
    let mut between = '{';
    for member in Member::ALL {
        let said = match member {
            Member::Actor => Some(&operation.actor),
            Member::Key => Some(&operation.key),
            Member::Base => operation.base.as_ref(),
            Member::Expected => operation.expected.as_ref(),
            Member::Value => operation.value.as_ref(),
            Member::Tag => operation.tag.as_ref(),
            _ => None,
        };
        if said.is_none()
            && !member.is_required()
            && !(member == Member::Absent && operation.absent)
        {
            continue;
        }
        write!(sink, "{between}\"{}\":", member.name())?;
        between = ',';
        match (member, said) {
            (_, Some(text)) => serde_json::to_writer(&mut *sink, text.as_ref())?,
            (Member::Kind, _) => write!(sink, "\"{}\"", operation.kind.name())?,
            (Member::Outcome, _) => write!(sink, "\"{}\"", operation.outcome.name())?,
            (Member::Begun, _) => write!(sink, "{}", operation.begun)?,
            (Member::Absent, _) => sink.write_all(b"true")?,
            (_, _) => match operation.ended {
                Some(ended) => write!(sink, "{ended}")?,
                None => sink.write_all(b"null")?,
            },
        }
    }
    sink.write_all(b"}\n")
}
