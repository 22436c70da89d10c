use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Source;

/// One table of the file. It remembers which members were read; any other member is a mistake.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    /// As in `collections.users`; empty for the whole file.
    name: String,
    pub(super) span: Range<usize>,
    table: &'a DeTable<'a>,
    known: RefCell<Vec<&'static str>>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        source: &'a Source<'a>,
        name: String,
        span: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Self {
        let known = RefCell::default();
        Self {
            source,
            name,
            span,
            table,
            known,
        }
    }

    pub(super) fn mistake(&self, span: Range<usize>, message: impl Into<String>) {
        self.source.mistake(span, message);
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    pub(super) fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = with_article(value.get_ref().type_str());
        self.mistake(
            value.span(),
            format!("{} must be {wanted}, not {found}", self.path(key)),
        );
    }

    pub(super) fn text(&self, key: &'static str) -> Option<Placed<String>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Placed {
                value: text.to_owned(),
                span: value.span(),
            }),
            None => {
                self.wrong_type(key, value, "a string");
                None
            }
        }
    }

    /// As [`Section::text`]; its absence is a mistake.
    pub(super) fn needed_text(&self, key: &'static str) -> Option<Placed<String>> {
        if self.get(key).is_none() {
            self.lacks(key);
        }
        self.text(key)
    }

    pub(super) fn lacks(&self, key: &str) {
        let name = if self.name.is_empty() {
            "the file"
        } else {
            &self.name
        };
        self.mistake(self.span.clone(), format!("{name} needs {key}"));
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        found
    }

    /// A whole number of at least `least`.
    pub(super) fn number(&self, key: &'static str, least: usize) -> Option<usize> {
        let value = self.get(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let digits = integer.as_str().replace('_', "");
        let number = usize::from_str_radix(&digits, integer.radix()).ok();
        let number = number.filter(|number| *number >= least);
        if number.is_none() {
            let message = format!(
                "{} must be a whole number of at least {least}",
                self.path(key)
            );
            self.mistake(value.span(), message);
        }
        number
    }

    /// A number, whole or not.
    pub(super) fn decimal(&self, key: &'static str) -> Option<f64> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str(),
            DeValue::Float(decimal) => decimal.as_str(),
            _ => "",
        };
        let number = text
            .replace('_', "")
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite());
        if number.is_none() {
            self.wrong_type(key, value, "a number");
        }
        number
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let found = self.text(key)?;
        let word = words.iter().find(|(word, _)| *word == found.value);
        if word.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let message = format!("{} must be {}", self.path(key), names.join(" or "));
            self.mistake(found.span, message);
        }
        word.map(|(_, value)| *value)
    }

    /// A list of strings; `None` if there is none.
    pub(super) fn texts(&self, key: &'static str) -> Option<Placed<Vec<Placed<String>>>> {
        let value = self.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings");
            return None;
        };
        Some(Placed {
            value: self.strings(key, items.iter()),
            span: value.span(),
        })
    }

    pub(super) fn strings<'v>(
        &self,
        key: &str,
        items: impl Iterator<Item = &'v Spanned<DeValue<'v>>>,
    ) -> Vec<Placed<String>> {
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Placed {
                    value: text.to_owned(),
                    span: item.span(),
                }),
                None => self.wrong_type(key, item, "a list of strings"),
            }
        }
        texts
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(Section::new(
                self.source,
                self.path(key),
                value.span(),
                table,
            )),
            None => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }

    /// An array of tables, as `[[…]]` writes it.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => {
                    sections.push(Section::new(
                        self.source,
                        self.path(key),
                        item.span(),
                        table,
                    ));
                }
                None => self.wrong_type(key, item, "a table"),
            }
        }
        sections
    }

    /// Its members as sections, under names that the file chooses.
    pub(super) fn members(&self) -> Vec<(Placed<String>, Section<'a>)> {
        let mut members = Vec::new();
        for (name, value) in self.table {
            let placed = Placed {
                value: name.get_ref().to_string(),
                span: name.span(),
            };
            match value.get_ref().as_table() {
                Some(table) => {
                    let path = self.path(&placed.value);
                    members.push((placed, Section::new(self.source, path, value.span(), table)));
                }
                None => self.wrong_type(&placed.value, value, "a table"),
            }
        }
        members
    }

    /// The members, for a section whose names are data.
    pub(super) fn entries(
        &self,
    ) -> impl Iterator<Item = (Placed<String>, &'a Spanned<DeValue<'a>>)> {
        self.table.iter().map(|(name, value)| {
            (
                Placed {
                    value: name.get_ref().to_string(),
                    span: name.span(),
                },
                value,
            )
        })
    }

    /// Reports every member that was never read: it is no setting.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (name, _) in self.table {
            let found = name.get_ref();
            if known.contains(&found.as_ref()) {
                continue;
            }
            let close = known
                .iter()
                .filter(|it| strsim::osa_distance(it, found) <= 2);
            let close = close.min_by_key(|it| strsim::osa_distance(it, found));
            let hint = close
                .map(|it| format!("; did you mean {it}?"))
                .unwrap_or_default();
            self.mistake(
                name.span(),
                format!("unknown setting {}{hint}", self.path(found)),
            );
        }
    }
}

/// `an integer`, `a table`.
pub(super) fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}
