use std::sync::Arc;

use detente_core::{CollectionKey, FILES, Key, ROOT, Rank, Stored};
use detente_store::{Listing, PageLimit};

use super::entry::facts_of;
use super::tree::prefix_of;
use super::{Entry, Properties};
use crate::{Action, Outcome, Principal, Service};

/// How many rows are read at a time.
const AT_A_TIME: usize = 1000;

/// What is behind all paths that begin like this.
const BEHIND: char = char::MAX;

/// A part of what is in a folder, in the order of the names' bytes.
#[derive(Debug)]
pub struct FolderPage {
    pub items: Vec<Listed>,
    /// The last name, where there are more behind it.
    pub next: Option<String>,
}

/// A file or a folder in a folder.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub stored: Arc<Stored>,
    pub entry: Entry,
    pub properties: Properties,
}

impl Service {
    /// What is in a folder, behind a name.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn list_folder(
        &self,
        principal: &Principal,
        folder: &Key,
        after: Option<&str>,
        limit: usize,
    ) -> Outcome<FolderPage> {
        principal.must(Action::Read, folder)?;
        self.files()?;
        let prefix = prefix_of(folder.id());
        let mut items: Vec<Listed> = Vec::new();
        let begin = format!("{prefix}{}", after.unwrap_or_default());
        // One more tells whether there are more.
        let mut walk = Walk::new(folder, begin, limit.min(AT_A_TIME) + 1);
        while let Some(stored) = walk.next(self).await? {
            let Some(rest) = stored.key.id().strip_prefix(&prefix) else {
                break;
            };
            if stored.key.id() == ROOT {
                continue;
            }
            if let Some((inner, _)) = rest.split_once('/') {
                walk.skip(format!("{prefix}{inner}/{BEHIND}"));
                continue;
            }
            if items.len() == limit {
                let next = items.last().map(|it| it.name.clone());
                return Ok(FolderPage { items, next });
            }
            let document = facts_of(&stored);
            let entry = document.as_ref().and_then(Entry::read);
            items.push(Listed {
                name: rest.to_owned(),
                entry: entry.ok_or_else(|| Entry::unreadable(&stored))?,
                properties: document.as_ref().map(Properties::read).unwrap_or_default(),
                stored: Arc::clone(&stored),
            });
        }
        Ok(FolderPage { items, next: None })
    }

    /// All that is below a folder; `None` if there is more than `limit`.
    pub(super) async fn all_below(
        &self,
        folder: &Key,
        limit: usize,
    ) -> Outcome<Option<Vec<Arc<Stored>>>> {
        let prefix = prefix_of(folder.id());
        let mut walk = Walk::new(folder, prefix.clone(), AT_A_TIME);
        let mut found = Vec::new();
        while let Some(stored) = walk.next(self).await? {
            if !stored.key.id().starts_with(&prefix) {
                break;
            }
            if found.len() == limit {
                return Ok(None);
            }
            found.push(stored);
        }
        Ok(Some(found))
    }
}

/// Through the paths of a space, in their order.
struct Walk {
    listing: Listing,
    page: std::vec::IntoIter<Arc<Stored>>,
    /// The last path that was read.
    read: String,
    /// Paths up to here are passed over.
    behind: String,
    has_more: bool,
}

impl Walk {
    fn new(folder: &Key, behind: String, rows: usize) -> Self {
        let collection = CollectionKey {
            space: folder.space().into(),
            collection: FILES.into(),
        };
        let listing = Listing {
            limit: PageLimit::rows(rows),
            ..Listing::of(collection)
        };
        Self {
            listing,
            page: Vec::new().into_iter(),
            read: String::new(),
            behind,
            has_more: true,
        }
    }

    async fn next(&mut self, service: &Service) -> Outcome<Option<Arc<Stored>>> {
        loop {
            let behind = self.behind.as_str();
            if let Some(stored) = self.page.find(|it| it.key.id() > behind) {
                return Ok(Some(stored));
            }
            if !self.has_more {
                return Ok(None);
            }
            let after = std::cmp::max(&self.read, &self.behind).clone();
            self.listing.after = (!after.is_empty()).then(|| Rank {
                values: Vec::new(),
                id: after,
            });
            let listed = service.reading.list(&self.listing).await?;
            self.has_more = listed.next.is_some();
            if let Some(last) = listed.documents.last() {
                self.read = last.key.id().to_owned();
            }
            self.page = listed.documents.into_iter();
        }
    }

    /// Passes over all up to a path.
    fn skip(&mut self, behind: String) {
        self.behind = behind;
    }
}
