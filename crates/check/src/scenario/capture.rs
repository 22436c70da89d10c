use serde_json::Value;

use super::step::{Capture, Origin};
use super::template::plain;
use crate::Response;

impl Capture {
    /// What it takes from an answer; why it cannot, if there is nothing to take.
    pub(super) fn take(&self, response: &Response) -> Result<Value, String> {
        let found = self
            .from
            .take(response)
            .ok_or_else(|| self.from.absence())?;
        let Some(pattern) = &self.matches else {
            return Ok(found);
        };
        let text = plain(found);
        let groups = pattern.captures(&text);
        let groups = groups.ok_or_else(|| format!("{text:?} is not as /{pattern}/ says"))?;
        let part = groups.get(1).or_else(|| groups.get(0));
        Ok(part.map_or("", |part| part.as_str()).into())
    }
}

impl Origin {
    fn take(&self, response: &Response) -> Option<Value> {
        match self {
            Self::Status => Some(response.status.as_u16().into()),
            Self::Header(name) => response.header(name.as_str()).map(Value::from),
            Self::Body(pointer) => response.json()?.pointer(&pointer.to_string()).cloned(),
            Self::Text => Some(String::from_utf8_lossy(&response.body).into()),
        }
    }

    fn absence(&self) -> String {
        match self {
            Self::Status | Self::Text => "there is no answer".to_owned(),
            Self::Header(name) => format!("it has no header {name}"),
            Self::Body(pointer) => {
                format!("its body has no {pointer:?}", pointer = pointer.to_string())
            }
        }
    }
}
