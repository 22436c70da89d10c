/// How a server speaks: all that it may choose and still be right, and a few choices that are wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) tags: Tags,
    /// Sends `W/`, and takes it back in If-Match.
    pub(crate) weak: bool,
    pub(crate) dates: Dates,
    pub(crate) revision: Revision,
    /// Refuses a write without a precondition: 428.
    pub(crate) required: bool,
    /// The status of a stale tag.
    pub(crate) stale: u16,
    pub(crate) form: Form,
    pub(crate) seed: Seed,
    /// The members of the seed and no others, each of its type.
    pub(crate) strict: bool,
    pub(crate) envelope: Envelope,
    /// Answers with the members in the order of the alphabet.
    pub(crate) sorted: bool,
    /// Shows `id`, which writes cannot change.
    pub(crate) id: bool,
    pub(crate) moving: Moving,
    pub(crate) methods: Methods,
    /// PUT creates what is absent.
    pub(crate) put_creates: bool,
    pub(crate) after: After,
    pub(crate) coding: Coding,
    pub(crate) pages: Pages,
    /// Whose tokens are let in; none: everybody is.
    pub(crate) tokens: &'static [&'static str],
    /// Milliseconds before each answer.
    pub(crate) delay_ms: Span,
    /// Requests in a second, of which as many as this may come at once.
    pub(crate) per_second: Option<u32>,
    /// Answers every tenth request with 503, at random, and does nothing.
    pub(crate) failing: bool,
    /// Base URLs.
    pub(crate) bases: usize,
    /// Products, orders, accounts, members with one e-mail address each, and idempotency keys.
    pub(crate) shop: bool,
}

/// From, and up to but not with.
pub(crate) type Span = (u64, u64);

/// What a tag is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    None,
    Counter,
    /// Of the content.
    Hash,
    Random,
    /// The time in microseconds.
    Time,
    /// How many versions there were, and a hash.
    Generation,
    /// Wrong: the time in seconds.
    Second,
    /// Wrong: a hash of the member `items` alone.
    Items,
    /// Wrong: always one and the same.
    Constant,
    /// Wrong: a count without quotes.
    Bare,
    /// Wrong: another one each time.
    Restless,
}

/// What Last-Modified says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    None,
    /// Each write advances it by a second, so it tells all versions apart.
    Logical,
    /// Wrong where it is the only validator: the time, which is the same for all writes in a second.
    Clock,
}

/// A member with the number of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    None,
    /// Read-only.
    Shown(&'static str),
    /// A write has to bring it back.
    Checked(&'static str),
}

/// The body of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 9457.
    Problem,
    /// `{"error":{"code":…,"message":…}}`
    House,
    /// `{"error":"stale","reason":…,"rev":…}`
    Flat,
    /// `{"error":"stale"}`
    Curt,
    Text,
    Html,
    Empty,
}

/// What is stored at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    Note,
    Numbers,
    /// A member of each type.
    Mixed,
    Text,
    Xml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    Bare,
    /// `_links` beside the members, `_embedded` around a list.
    Hal,
    /// The document under `data`, the rest under `meta`.
    Data,
}

/// What changes without a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    Nothing,
    /// `views` counts the reads, `served_at` is the time.
    Views,
    /// `updated_at` is the time of the last write.
    Updated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    PutAndPatch,
    Put,
    Patch,
}

/// What a write is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The document and its tag.
    Document,
    /// 204 and the tag.
    Tag,
    /// 204 and no tag.
    Nothing,
    /// `{"ok":true,"id":…,"rev":…}` and the tag.
    Receipt,
}

/// What a gzip coding does to the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    None,
    /// Each coding has a strong tag of its own, and each is taken.
    OwnTag,
    /// Wrong: the same strong tag for both.
    SameTag,
    /// Wrong: a tag of its own, which no write may carry.
    ForeignTag,
}

/// Which web pages may use it (CORS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Those of its own origin.
    Own,
    /// Those of all origins.
    All,
    /// Those of one other origin.
    OfOne,
    /// Wrong: those of all origins, which cannot read the tag.
    Untagged,
    /// Wrong: the same of 304 and refusals alone.
    UntaggedLater,
    /// Wrong: they cannot read a refusal.
    Unrefused,
}

impl Dialect {
    /// Tags that count, 412 and 428, problem documents, PUT, PATCH, DELETE and POST.
    pub(crate) const PLAIN: Self = Self {
        tags: Tags::Counter,
        weak: false,
        dates: Dates::None,
        revision: Revision::None,
        required: true,
        stale: 412,
        form: Form::Problem,
        seed: Seed::Note,
        strict: false,
        envelope: Envelope::Bare,
        sorted: false,
        id: true,
        moving: Moving::Nothing,
        methods: Methods::PutAndPatch,
        put_creates: true,
        after: After::Document,
        coding: Coding::None,
        pages: Pages::Own,
        tokens: &[],
        delay_ms: (0, 0),
        per_second: None,
        failing: false,
        bases: 1,
        shop: true,
    };

    pub(crate) fn is_json(&self) -> bool {
        !matches!(self.seed, Seed::Text | Seed::Xml)
    }

    /// Whether its answers carry tags or dates.
    pub(crate) fn has_validators(&self) -> bool {
        self.tags != Tags::None || self.dates != Dates::None
    }

    /// The media type of its documents.
    pub(crate) fn media_type(&self) -> &'static str {
        match (self.seed, self.envelope) {
            (Seed::Text, _) => "text/plain; charset=utf-8",
            (Seed::Xml, _) => "application/xml",
            (_, Envelope::Hal) => "application/hal+json",
            _ => "application/json",
        }
    }

    pub(crate) fn allow(&self) -> &'static str {
        match self.methods {
            Methods::PutAndPatch => "GET, HEAD, PUT, PATCH, DELETE",
            Methods::Put => "GET, HEAD, PUT, DELETE",
            Methods::Patch => "GET, HEAD, PATCH, DELETE",
        }
    }
}
