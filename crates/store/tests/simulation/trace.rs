use std::fmt::Write;

use detente_core::{Condition, Edit, Merging, Patch, Preconditions, Prepared};
use detente_store::{Order, Transaction};

use crate::answer::{Answer, Refused, Told, own_token};

/// What happened, a line for each step; nothing is kept unless somebody will read it.
pub(crate) struct Trace(Option<Vec<String>>);

impl Trace {
    pub(crate) fn new(is_kept: bool) -> Self {
        Self(is_kept.then(Vec::new))
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}

pub(crate) fn describe(order: &Order) -> String {
    match order {
        Order::Write(transaction) => describe_transaction(transaction),
        Order::Lock(command) => format!("{} {:?} {:?}", command.by, command.key, command.action),
        Order::Log(conflict) => {
            format!("{} logs {} of {:?}", conflict.by, conflict.id, conflict.key)
        }
        Order::Flush => "flush".into(),
    }
}

fn describe_transaction(asked: &Transaction) -> String {
    let mut line = String::new();
    if asked.is_rehearsal {
        line.push_str("rehearse ");
    }
    if let Some(once) = asked.once {
        let part = |digest: [u8; 32]| u16::from_le_bytes([digest[0], digest[1]]);
        let _ = write!(line, "once {}/{} ", part(once.scope), part(once.payload));
    }
    for settles in &asked.settles {
        let _ = write!(line, "{} settles {} ", settles.by, settles.id);
    }
    let writes: Vec<_> = asked
        .writes
        .iter()
        .map(|(it, _)| describe_write(it))
        .collect();
    line + &writes.join("; ")
}

fn describe_write(prepared: &Prepared) -> String {
    let command = &*prepared.command;
    let mut line = format!("{} {:?} ", command.by, command.key);
    line.push_str(&match &command.edit {
        Edit::Put(proposal) => format!("put {}", short(&String::from_utf8_lossy(&proposal.body))),
        Edit::Restore(proposal) => {
            format!(
                "restore {}",
                short(&String::from_utf8_lossy(&proposal.body))
            )
        }
        Edit::Patch(patching) => match &*patching.patch {
            Patch::Merge(patch) => format!("merge-patch {}", short(&patch.to_text())),
            Patch::Json(patch) => format!("json-patch {}", short(&format!("{patch:?}"))),
        },
        Edit::Merge(merging) => format!("merge {}", describe_merging(merging)),
        Edit::Delete => "delete".into(),
    });
    describe_conditions(&mut line, &command.preconditions);
    if let Some(merging) = &prepared.fallback {
        let _ = write!(line, ", or merge {}", describe_merging(merging));
    }
    if let Some(token) = own_token(command) {
        let _ = write!(line, ", token {token}");
    }
    if let Some(ahead) = &prepared.ahead {
        let _ = write!(line, ", worked out on {}", ahead.seq);
    }
    line
}

fn describe_conditions(line: &mut String, conditions: &Preconditions) {
    let mut note = |name: &str, condition: &Option<Condition>| {
        let _ = match condition {
            None => Ok(()),
            Some(Condition::Any) => write!(line, ", {name} *"),
            Some(Condition::Tags(tags)) => {
                let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
                write!(line, ", {name} {}", tags.join(", "))
            }
        };
    };
    note("If-Match", &conditions.if_match);
    note("If-None-Match", &conditions.if_none_match);
    if let Some(date) = conditions.if_unmodified_since {
        let _ = write!(line, ", If-Unmodified-Since {date}");
    }
}

fn describe_merging(merging: &Merging) -> String {
    let ours = merging.ours.as_ref().map(|ours| short(&ours.to_text()));
    let ours = ours.unwrap_or_else(|| "nothing".into());
    let base = merging.base_version();
    let choices: Vec<_> = (merging.choices.iter())
        .map(|(path, choice)| format!(" {path}: {choice:?}"))
        .collect();
    format!("{ours} from version {base}{}", choices.concat())
}

fn short(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn describe_answer(answer: &Answer) -> String {
    let all = |told: &[Told]| {
        let told: Vec<_> = told.iter().map(describe_told).collect();
        told.join(", ")
    };
    match answer {
        Answer::Applied(told) => format!("applied: {}", all(told)),
        Answer::Refused(told) => format!("refused: {}", all(told)),
        Answer::Rehearsed(told) => format!("rehearsed: {}", all(told)),
        other => format!("{other:?}"),
    }
}

fn describe_told(told: &Told) -> String {
    match told {
        Told::Applied(version) => {
            let base = version.base.map(|base| format!(" joined from {base}"));
            let base = base.unwrap_or_default();
            format!("version {} at {}{base}", version.version, version.seq)
        }
        Told::Refused(Refused { why, head, .. }) => format!("{why:?}, current is {head:?}"),
        Told::Behind(seq) => format!("behind {seq}"),
    }
}
