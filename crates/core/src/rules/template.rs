use std::str::FromStr;

use crate::json::{Pointer, PointerError, Value};

/// A message with values in it: `{/email}` is the value at a JSON Pointer, `{id}` the document's
/// id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    Value(Pointer),
}

/// Why a text is not a template; `offset` counts bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{` without `}}`")]
    Open { offset: usize },
    #[error("{{{name}}} is neither {{id}} nor a JSON Pointer such as {{/email}}")]
    Unknown { offset: usize, name: String },
    #[error("{source}")]
    Pointer { offset: usize, source: PointerError },
}

impl TemplateError {
    /// Where the mistake is, in bytes from 0.
    pub fn offset(&self) -> usize {
        match self {
            Self::Open { offset } | Self::Unknown { offset, .. } | Self::Pointer { offset, .. } => {
                *offset
            }
        }
    }
}

impl Template {
    /// The text with the values of the document. An absent value becomes an empty string.
    pub fn fill(&self, id: &str, document: Option<&Value>) -> String {
        let fill = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Id => id.to_owned(),
            Part::Value(pointer) => match document.and_then(|document| document.at(pointer)) {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_text(),
                None => String::new(),
            },
        };
        self.0.iter().map(fill).collect()
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut offset = 0;
        while let Some(open) = text[offset..].find('{') {
            let start = offset + open;
            parts.push(Part::Text(text[offset..start].to_owned()));
            let close = text[start..]
                .find('}')
                .ok_or(TemplateError::Open { offset: start })?;
            parts.push(placeholder(start, &text[start + 1..start + close])?);
            offset = start + close + 1;
        }
        parts.push(Part::Text(text[offset..].to_owned()));
        Ok(Self(parts))
    }
}

fn placeholder(offset: usize, name: &str) -> Result<Part, TemplateError> {
    match name {
        "id" => Ok(Part::Id),
        _ if name.starts_with('/') => {
            let pointer = name.parse();
            pointer
                .map(Part::Value)
                .map_err(|source| TemplateError::Pointer { offset, source })
        }
        _ => Err(TemplateError::Unknown {
            offset,
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn templates_are_filled_or_refused() {
        let document = parse(br#"{"email":"a@b.c","n":[1.50]}"#).unwrap();
        let cases = [
            ("plain", "plain"),
            ("'{/email}' of {id}: {/n/0}{/gone}.", "'a@b.c' of 7: 1.50."),
        ];
        for (text, filled) in cases {
            let template: Template = text.parse().unwrap();
            assert_eq!(template.fill("7", Some(&document)), filled);
        }
        for (text, offset) in [("a {", 2), ("{email}", 0), ("é{/~}", 2), ("{}", 0)] {
            assert_eq!(
                text.parse::<Template>().unwrap_err().offset(),
                offset,
                "{text}"
            );
        }
    }
}
