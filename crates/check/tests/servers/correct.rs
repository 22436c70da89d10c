use super::dialect::{
    After, Coding, Dates, Dialect, Envelope, Form, Methods, Moving, Pages, Revision, Seed, Tags,
};
use super::expected::{Expected, info, low, medium};
use super::options::Options;
use super::running::Running;

/// A server that loses nothing, and how it speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correct {
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) dialect: &'static str,
    /// What may be said of it nevertheless, and is true. Anything else is a false alarm.
    pub(crate) shortfalls: &'static [Expected],
    pub(crate) speaks: Dialect,
}

impl Correct {
    pub(crate) fn start(&self) -> Running {
        Running::start(self.speaks, None)
    }

    pub(crate) fn options(&self) -> Options {
        Options::of(&self.speaks)
    }
}

const PLAIN: Dialect = Dialect::PLAIN;

/// Servers in which there is nothing to find but what their `shortfalls` say.
pub(crate) fn correct() -> Vec<Correct> {
    CORRECT.to_vec()
}

const CORRECT: &[Correct] = &[
    Correct {
        name: "plain",
        dialect: "Tags that count, 412 and 428, problem documents.",
        shortfalls: &[],
        speaks: PLAIN,
    },
    Correct {
        name: "couch",
        dialect: "A `_rev` that a write brings back, or its tag; 409; a receipt for an answer.",
        shortfalls: &[low("C2")],
        speaks: Dialect {
            tags: Tags::Generation,
            revision: Revision::Checked("_rev"),
            stale: 409,
            form: Form::Flat,
            methods: Methods::Put,
            after: After::Receipt,
            ..PLAIN
        },
    },
    Correct {
        name: "hal",
        dialect: "HAL, members sorted, tags that hash the content, 204 without a tag.",
        shortfalls: &[info("A6"), low("C2")],
        speaks: Dialect {
            tags: Tags::Hash,
            form: Form::House,
            envelope: Envelope::Hal,
            sorted: true,
            methods: Methods::Put,
            after: After::Nothing,
            ..PLAIN
        },
    },
    Correct {
        name: "data",
        dialect: "The document under `data`, its version under `meta`, random tags, 409.",
        shortfalls: &[low("C2")],
        speaks: Dialect {
            tags: Tags::Random,
            revision: Revision::Shown("version"),
            stale: 409,
            form: Form::House,
            envelope: Envelope::Data,
            moving: Moving::Updated,
            after: After::Tag,
            ..PLAIN
        },
    },
    Correct {
        name: "version",
        dialect: "No validator but a `version` in the body, which a write brings back; If-Match \
                      means nothing, and DELETE asks for nothing.",
        shortfalls: &[medium("B9"), medium("D10"), low("C2")],
        speaks: Dialect {
            tags: Tags::None,
            revision: Revision::Checked("version"),
            stale: 409,
            form: Form::House,
            ..PLAIN
        },
    },
    Correct {
        name: "pages",
        dialect: "Pages of all origins may use it, and read tags.",
        shortfalls: &[],
        speaks: Dialect {
            pages: Pages::All,
            ..PLAIN
        },
    },
    Correct {
        name: "pages-of-one-origin",
        dialect: "Pages of one other origin may use it, and read tags.",
        shortfalls: &[],
        speaks: Dialect {
            pages: Pages::OfOne,
            ..PLAIN
        },
    },
    Correct {
        name: "dates",
        dialect: "Last-Modified and nothing else; each write advances it by a second.",
        shortfalls: &[],
        speaks: Dialect {
            tags: Tags::None,
            dates: Dates::Logical,
            methods: Methods::Put,
            after: After::Nothing,
            ..PLAIN
        },
    },
    Correct {
        name: "weak",
        dialect: "Weak tags, taken back as they are; `views` and `served_at` move by themselves.",
        shortfalls: &[low("B6")],
        speaks: Dialect {
            weak: true,
            moving: Moving::Views,
            ..PLAIN
        },
    },
    Correct {
        name: "patch-only",
        dialect: "PATCH alone, 405 for PUT, POST to create.",
        shortfalls: &[],
        speaks: Dialect {
            tags: Tags::Time,
            methods: Methods::Patch,
            put_creates: false,
            ..PLAIN
        },
    },
    Correct {
        name: "numbers",
        dialect: "Three members, all of them integers, all required, no others.",
        shortfalls: &[low("C2")],
        speaks: Dialect {
            seed: Seed::Numbers,
            strict: true,
            form: Form::House,
            ..PLAIN
        },
    },
    Correct {
        name: "strict",
        dialect: "A member of each type, all required, no others; `updated_at` and `version` are \
                      read-only; PUT creates nothing.",
        shortfalls: &[],
        speaks: Dialect {
            tags: Tags::Time,
            revision: Revision::Shown("version"),
            seed: Seed::Mixed,
            strict: true,
            moving: Moving::Updated,
            put_creates: false,
            after: After::Tag,
            ..PLAIN
        },
    },
    Correct {
        name: "gzip",
        dialect: "A gzip coding with a tag of its own, which a write may carry.",
        shortfalls: &[],
        speaks: Dialect {
            coding: Coding::OwnTag,
            ..PLAIN
        },
    },
    Correct {
        name: "tokens",
        dialect: "Two users with a token each; 401 for others.",
        shortfalls: &[],
        speaks: Dialect {
            tags: Tags::Random,
            tokens: &["ann-7d1f", "bob-93ac"],
            ..PLAIN
        },
    },
    Correct {
        name: "limited",
        dialect: "At most a hundred requests in a second: 429 with Retry-After.",
        shortfalls: &[],
        speaks: Dialect {
            per_second: Some(100),
            ..PLAIN
        },
    },
    Correct {
        name: "slow",
        dialect: "Each answer takes 20 to 50 ms.",
        shortfalls: &[],
        speaks: Dialect {
            delay_ms: (20, 51),
            ..PLAIN
        },
    },
    Correct {
        name: "failing",
        dialect: "One request in ten, at random, is answered with 503 and does nothing.",
        shortfalls: &[],
        speaks: Dialect {
            failing: true,
            ..PLAIN
        },
    },
    Correct {
        name: "text",
        dialect: "Documents and refusals of plain text.",
        shortfalls: &[low("C2"), medium("C3")],
        speaks: Dialect {
            tags: Tags::Random,
            form: Form::Text,
            seed: Seed::Text,
            methods: Methods::Put,
            shop: false,
            ..PLAIN
        },
    },
    Correct {
        name: "xml",
        dialect: "Documents of XML, refusals of JSON.",
        shortfalls: &[info("A6"), low("C2")],
        speaks: Dialect {
            tags: Tags::Hash,
            form: Form::Flat,
            seed: Seed::Xml,
            methods: Methods::Put,
            put_creates: false,
            shop: false,
            ..PLAIN
        },
    },
    Correct {
        name: "replicas",
        dialect: "Three base URLs before one store.",
        shortfalls: &[],
        speaks: Dialect { bases: 3, ..PLAIN },
    },
    Correct {
        name: "unprotected",
        dialect: "Tags and dates, and neither is asked for.",
        shortfalls: &[medium("B8"), medium("B9")],
        speaks: Dialect {
            tags: Tags::Time,
            dates: Dates::Logical,
            required: false,
            after: After::Tag,
            ..PLAIN
        },
    },
    Correct {
        name: "curt",
        dialect: "Refusals of one word, and nothing asked for.",
        shortfalls: &[
            medium("B8"),
            medium("B9"),
            low("C2"),
            medium("C3"),
            low("C8"),
        ],
        speaks: Dialect {
            tags: Tags::Random,
            required: false,
            form: Form::Curt,
            id: false,
            after: After::Nothing,
            ..PLAIN
        },
    },
];
