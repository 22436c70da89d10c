use std::time::Duration;

use super::defect::{Defect, Gap, Scope};
use super::dialect::{Coding, Dates, Dialect, Form, Methods, Pages, Revision, Seed, Tags};
use super::expected::{Expected, critical, high, info, low, medium};
use super::options::Options;
use super::running::Running;

/// A server with one defect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) defect: &'static str,
    /// What has to be found, each time.
    pub(crate) expect: &'static [Expected],
    /// Probes that may fail too, of the same cause. Any other failure is a false alarm.
    pub(crate) also: &'static [&'static str],
    pub(crate) speaks: Dialect,
    /// `None` if it is the dialect itself that is wrong.
    pub(crate) wrong: Option<Defect>,
}

impl Broken {
    pub(crate) fn start(&self) -> Running {
        Running::start(self.speaks, self.wrong)
    }

    pub(crate) fn options(&self) -> Options {
        Options::of(&self.speaks)
    }
}

const PLAIN: Dialect = Dialect::PLAIN;
const SLOWLY: Gap = Gap::Wait(Duration::from_millis(3));

/// Servers with something to find, one thing each, in the order of the probes.
pub(crate) fn broken() -> Vec<Broken> {
    [
        VALIDATORS,
        UNPROTECTED,
        PRECONDITIONS,
        REFUSALS,
        RACES,
        HISTORIES,
    ]
    .concat()
}

/// Tags and dates.
const VALIDATORS: &[Broken] = &[
    Broken {
        name: "no-validator",
        defect: "No tag, no date, no version.",
        expect: &[medium("A1"), critical("B1")],
        also: &["B2", "B4", "B8", "B9", "B10", "D9", "D10", "D13", "D16"],
        speaks: Dialect {
            tags: Tags::None,
            required: false,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "tag-without-quotes",
        defect: "The tag has no quotes, and is compared as it is.",
        expect: &[low("A1")],
        also: &[],
        speaks: Dialect {
            tags: Tags::Bare,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "constant-tag",
        defect: "The tag never changes.",
        expect: &[critical("A3")],
        also: &[
            "A4", "A6", "B1", "B9", "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            tags: Tags::Constant,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "tag-of-one-member",
        defect: "The tag is of `items` alone, whatever else changes.",
        expect: &[critical("A3")],
        also: &[
            "A4", "A6", "B1", "B9", "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            tags: Tags::Items,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "restless-tag",
        defect: "The tag is another one each time; all of them are taken.",
        expect: &[high("A2")],
        also: &["A1", "A5", "B14", "C4", "D12", "D16"],
        speaks: Dialect {
            tags: Tags::Restless,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "one-tag-for-gzip",
        defect: "The gzip coding has the same strong tag.",
        expect: &[medium("A2")],
        also: &[],
        speaks: Dialect {
            coding: Coding::SameTag,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "gzip-tag-refused",
        defect: "A tag read under gzip is not taken back.",
        expect: &[high("A2")],
        also: &["B1", "B3"],
        speaks: Dialect {
            coding: Coding::ForeignTag,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "tag-of-seconds",
        defect: "The tag is the time in seconds.",
        expect: &[medium("A4")],
        also: &[
            "A3", "A6", "B1", "B9", "B13", "B14", "D1", "D2", "D3", "D7", "D9", "D10", "D12",
            "D13", "D15", "D16",
        ],
        speaks: Dialect {
            tags: Tags::Second,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "date-of-seconds",
        defect: "Last-Modified is all there is, and it is the time.",
        expect: &[medium("A4")],
        also: &[
            "A3", "A6", "B1", "B9", "B10", "B13", "B14", "D1", "D2", "D3", "D7", "D9", "D10",
            "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            tags: Tags::None,
            dates: Dates::Clock,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "strange-tag-on-write",
        defect: "A write is answered with a tag that no read shows.",
        expect: &[high("A5")],
        also: &["B1", "B3", "D12", "D13", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::StrangeTag),
    },
    Broken {
        name: "tag-hidden-from-pages",
        defect: "Pages of all origins may read it, but for its tag.",
        expect: &[medium("A7")],
        also: &[],
        speaks: Dialect {
            pages: Pages::Untagged,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "later-tags-hidden-from-pages",
        defect: "Pages of all origins may read it, but for the tags of 304 and of refusals.",
        expect: &[medium("A7")],
        also: &[],
        speaks: Dialect {
            pages: Pages::UntaggedLater,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "refusals-hidden-from-pages",
        defect: "Pages of all origins may read it, but for refusals.",
        expect: &[medium("A7")],
        also: &[],
        speaks: Dialect {
            pages: Pages::Unrefused,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "hashed-tag",
        defect: "The same content has the same tag again.",
        expect: &[info("A6")],
        also: &[],
        speaks: Dialect {
            tags: Tags::Hash,
            ..PLAIN
        },
        wrong: None,
    },
];

/// No validator protects a write: every concurrent edit is lost.
const UNPROTECTED: &[Broken] = &[
    Broken {
        name: "no-validator-patch",
        defect: "PATCH alone, and no tag, no date, no version.",
        expect: &[medium("A1"), critical("B1")],
        also: &["B8"],
        speaks: Dialect {
            tags: Tags::None,
            required: false,
            methods: Methods::Patch,
            put_creates: false,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "no-validator-bytes",
        defect: "Plain text, and no tag, no date.",
        expect: &[medium("A1"), critical("B1")],
        also: &["B8"],
        speaks: Dialect {
            tags: Tags::None,
            required: false,
            ..TEXT
        },
        wrong: None,
    },
    Broken {
        name: "no-validator-xml",
        defect: "XML, and no tag, no date.",
        expect: &[medium("A1"), critical("B1")],
        also: &["B8"],
        speaks: Dialect {
            tags: Tags::None,
            required: false,
            seed: Seed::Xml,
            ..TEXT
        },
        wrong: None,
    },
    Broken {
        name: "tag-ignored",
        defect: "There is a tag; no precondition is looked at, and none is asked for.",
        expect: &[critical("B1"), critical("B2")],
        also: IGNORED,
        speaks: Dialect {
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::Ignores(Scope::Writes)),
    },
    Broken {
        name: "tag-ignored-bytes",
        defect: "Plain text with a tag, and no precondition is looked at.",
        expect: &[critical("B1"), critical("B2")],
        also: IGNORED,
        speaks: TEXT,
        wrong: Some(Defect::Ignores(Scope::Writes)),
    },
    Broken {
        name: "tag-ignored-patch",
        defect: "PATCH alone, with a tag, and no precondition is looked at.",
        expect: &[critical("B1"), critical("B2")],
        also: IGNORED,
        speaks: Dialect {
            methods: Methods::Patch,
            put_creates: false,
            ..PLAIN
        },
        wrong: Some(Defect::Ignores(Scope::Writes)),
    },
    Broken {
        name: "only-date-ignored",
        defect: "Last-Modified is all there is, and If-Unmodified-Since is ignored.",
        expect: &[critical("B1"), low("B10")],
        also: &["A4", "B4", "B7", "B8"],
        speaks: Dialect {
            tags: Tags::None,
            dates: Dates::Logical,
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::IgnoresDate),
    },
    Broken {
        name: "only-date-ignored-bytes",
        defect: "Plain text with Last-Modified, and If-Unmodified-Since is ignored.",
        expect: &[critical("B1"), low("B10")],
        also: &["A4", "B4", "B7", "B8"],
        speaks: Dialect {
            tags: Tags::None,
            dates: Dates::Logical,
            required: false,
            ..TEXT
        },
        wrong: Some(Defect::IgnoresDate),
    },
    Broken {
        name: "version-ignored",
        defect: "The body shows a version, and what a write brings back is not looked at.",
        expect: &[critical("B1")],
        also: &["B4", "B8"],
        speaks: Dialect {
            tags: Tags::None,
            revision: Revision::Shown("version"),
            required: false,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "version-ignored-patch",
        defect: "PATCH alone; the body shows a version, and what a write brings back is not looked at.",
        expect: &[critical("B1")],
        also: &["B8"],
        speaks: Dialect {
            tags: Tags::None,
            revision: Revision::Shown("version"),
            required: false,
            methods: Methods::Patch,
            put_creates: false,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "all-ignored",
        defect: "There are a tag, a date and a version, and a write may say of them what it likes.",
        expect: &[critical("B1"), critical("B2"), low("B10")],
        also: IGNORED,
        speaks: Dialect {
            dates: Dates::Logical,
            revision: Revision::Shown("version"),
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::Ignores(Scope::Writes)),
    },
];

/// What may fail where no write looks at a precondition.
const IGNORED: &[&str] = &[
    "A4", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12", "B13", "D16",
];

/// Documents of plain text, written by PUT.
const TEXT: Dialect = Dialect {
    seed: Seed::Text,
    form: Form::Text,
    methods: Methods::Put,
    shop: false,
    ..PLAIN
};

/// What is made of preconditions.
const PRECONDITIONS: &[Broken] = &[
    Broken {
        name: "if-match-ignored",
        defect: "No precondition is looked at.",
        expect: &[critical("B1"), critical("B2"), high("B7")],
        also: &[
            "A4", "B4", "B5", "B6", "B8", "B9", "B10", "B11", "B12", "B13", "D1", "D2", "D3", "D7",
            "D9", "D10", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::Ignores(Scope::Writes)),
    },
    Broken {
        name: "if-match-not-compared",
        defect: "There has to be an If-Match, whatever it says.",
        expect: &[critical("B1"), critical("B2")],
        also: &[
            "A4", "B5", "B6", "B9", "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::AcceptsAny),
    },
    Broken {
        name: "past-tag-accepted",
        defect: "Any tag that the resource ever had is taken.",
        expect: &[critical("B1")],
        also: &[
            "A4", "B9", "B13", "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::AcceptsPast),
    },
    Broken {
        name: "unknown-tag-accepted",
        defect: "A tag that the resource never had is taken.",
        expect: &[critical("B2")],
        also: &["A2", "B4", "B6", "B9", "B13", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::AcceptsUnknown),
    },
    Broken {
        name: "current-tag-refused",
        defect: "Its tags are weak, and it compares them strongly.",
        expect: &[high("B3"), critical("B1")],
        also: &[
            "A2", "B2", "B5", "B6", "B9", "D1", "D2", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            weak: true,
            ..PLAIN
        },
        wrong: Some(Defect::StrongOnly),
    },
    Broken {
        name: "star-creates",
        defect: "`If-Match: *` creates what is absent.",
        expect: &[medium("B4")],
        also: &["B9"],
        speaks: PLAIN,
        wrong: Some(Defect::StarCreates),
    },
    Broken {
        name: "lists-refused",
        defect: "A list of tags never matches.",
        expect: &[low("B5")],
        also: &["B9"],
        speaks: PLAIN,
        wrong: Some(Defect::NoLists),
    },
    Broken {
        name: "weak-tag-accepted",
        defect: "The weak form of its strong tag is taken.",
        expect: &[low("B6")],
        also: &["B9"],
        speaks: PLAIN,
        wrong: Some(Defect::WeakMatches),
    },
    Broken {
        name: "if-none-match-ignored",
        defect: "`If-None-Match: *` overwrites.",
        expect: &[high("B7")],
        also: &["D3", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Overwrites),
    },
    Broken {
        name: "nothing-required",
        defect: "A write without a precondition is done.",
        expect: &[medium("B8")],
        also: &["B9"],
        speaks: Dialect {
            required: false,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "patch-ignores-if-match",
        defect: "PATCH looks at no precondition.",
        expect: &[high("B9")],
        also: &[
            "B1", "B2", "B8", "D1", "D2", "D7", "D12", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::Ignores(Scope::Patch)),
    },
    Broken {
        name: "delete-ignores-if-match",
        defect: "DELETE looks at no precondition.",
        expect: &[high("B9")],
        also: &["D9", "D10", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Ignores(Scope::Delete)),
    },
    Broken {
        name: "date-ignored",
        defect: "If-Unmodified-Since is ignored.",
        expect: &[low("B10")],
        also: &["A4", "B8", "B9"],
        speaks: Dialect {
            dates: Dates::Logical,
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::IgnoresDate),
    },
    Broken {
        name: "date-beside-tag",
        defect: "If-Unmodified-Since is judged beside an If-Match that holds.",
        expect: &[low("B10")],
        also: &["B9"],
        speaks: Dialect {
            dates: Dates::Logical,
            ..PLAIN
        },
        wrong: Some(Defect::DateBesideTag),
    },
    Broken {
        name: "stale-before-invalid",
        defect: "A stale tag is told before a body that cannot be read.",
        expect: &[low("B11")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::ConditionFirst),
    },
    Broken {
        name: "body-version-ignored",
        defect: "The version in the body has to be there, and is not compared.",
        expect: &[critical("B12")],
        also: &[
            "A4", "B1", "B2", "B9", "B13", "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13",
            "D15", "D16",
        ],
        speaks: Dialect {
            tags: Tags::None,
            revision: Revision::Checked("version"),
            stale: 409,
            ..PLAIN
        },
        wrong: Some(Defect::IgnoresClaim),
    },
    Broken {
        name: "resurrected",
        defect: "The tag of what was deleted lets it be written again.",
        expect: &[high("B13")],
        also: &["B4", "B7", "B9", "D3", "D9", "D10", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Resurrects),
    },
    Broken {
        name: "refused-but-written",
        defect: "A stale write is refused, and done.",
        expect: &[high("B14")],
        also: &[
            "A4", "B1", "B2", "B4", "B7", "B9", "B10", "B12", "B13", "C4", "D1", "D2", "D3", "D7",
            "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::WritesRefused),
    },
    Broken {
        name: "refused-but-counted",
        defect: "A stale write is refused, and counted in a member of what it was refused for.",
        expect: &[high("B14")],
        also: &["C4", "D12", "D13", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::CountsRefused),
    },
];

/// How it says no.
const REFUSALS: &[Broken] = &[
    Broken {
        name: "empty-conflict",
        defect: "A refusal says nothing.",
        expect: &[medium("C1")],
        also: &["C2", "C3", "C8"],
        speaks: Dialect {
            form: Form::Empty,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "html-conflict",
        defect: "A refusal is a page.",
        expect: &[low("C2"), medium("C3")],
        also: &["C8"],
        speaks: Dialect {
            form: Form::Html,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "curt-conflict",
        defect: "A refusal is one word.",
        expect: &[medium("C3")],
        also: &["C2", "C8"],
        speaks: Dialect {
            form: Form::Curt,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "wrong-tag-quoted",
        defect: "A refusal quotes the tag before the current one.",
        expect: &[high("C4")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::QuotesPast),
    },
    Broken {
        name: "statement-leaked",
        defect: "A refusal shows a statement and a stack trace.",
        expect: &[medium("C5")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::LeaksStatement),
    },
    Broken {
        name: "two-codes",
        defect: "A stale tag is 412, but 409 for PATCH.",
        expect: &[low("C6")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::TwoCodes),
    },
    Broken {
        name: "conflict-as-500",
        defect: "A stale tag is a 500.",
        expect: &[high("C7")],
        also: &[
            "A2", "A4", "B1", "B2", "B4", "B6", "B7", "B9", "B10", "B12", "B13", "B14", "C2", "C6",
            "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            stale: 500,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "conflict-as-200",
        defect: "A stale tag is a 200, with an error in the body.",
        expect: &[high("C7")],
        also: &["B1", "B2", "B4", "B6", "B7", "B9"],
        speaks: Dialect {
            stale: 200,
            form: Form::House,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "conflict-as-503",
        defect: "A stale tag is a 503.",
        expect: &[high("C7")],
        also: &[
            "A2", "A4", "B1", "B2", "B4", "B6", "B7", "B9", "B10", "B12", "B13", "B14", "C2", "C6",
            "D1", "D2", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: Dialect {
            stale: 503,
            ..PLAIN
        },
        wrong: None,
    },
    Broken {
        name: "bare-428",
        defect: "A 428 does not say what is missing.",
        expect: &[low("C8")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::BareRequired),
    },
];

/// What writers that meet do to each other.
const RACES: &[Broken] = &[
    Broken {
        name: "check-then-write",
        defect: "Check and write are two steps, 3 ms apart.",
        expect: &[critical("D1"), critical("D3"), critical("D13")],
        also: &["D7", "D9", "D10", "D12", "D15", "D16", "A5"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Writes, SLOWLY)),
    },
    Broken {
        name: "check-then-write-at-once",
        defect: "Check and write are two steps with nothing between.",
        expect: &[critical("D1")],
        also: &["A5", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Writes, Gap::Yield)),
    },
    Broken {
        name: "none-wins",
        defect: "Of writes that meet, all are refused.",
        expect: &[high("D1")],
        also: &["D2", "D7", "D9", "D10", "D12", "D13", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::AllLose),
    },
    Broken {
        name: "head-checked",
        defect: "The precondition is judged when the head is there, and not again.",
        expect: &[critical("D2")],
        also: &[
            "B11", "B12", "D1", "D3", "D7", "D9", "D10", "D12", "D13", "D15", "D16",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::ChecksHead),
    },
    Broken {
        name: "two-creators",
        defect: "Whether it is absent and creating it are two steps.",
        expect: &[critical("D3")],
        also: &["D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::CreateAbsent, SLOWLY)),
    },
    Broken {
        name: "two-of-one-name",
        defect: "A duplicate is refused, but not of two that meet.",
        expect: &[critical("D4")],
        also: &["D15"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Unique, SLOWLY)),
    },
    Broken {
        name: "duplicate-crashes",
        defect: "Of two duplicates that meet, one is a 500.",
        expect: &[high("D4")],
        also: &["C7", "D15"],
        speaks: PLAIN,
        wrong: Some(Defect::CrashingRace(Scope::Unique, SLOWLY)),
    },
    Broken {
        name: "key-races",
        defect: "Of requests with one key that meet, all are done.",
        expect: &[critical("D5")],
        also: &["D14"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Keyed, SLOWLY)),
    },
    Broken {
        name: "key-ignored",
        defect: "The Idempotency-Key means nothing.",
        expect: &[critical("D5")],
        also: &["D14"],
        speaks: PLAIN,
        wrong: Some(Defect::Ignores(Scope::Keyed)),
    },
    Broken {
        name: "payload-ignored",
        defect: "A key's first answer is given for another payload.",
        expect: &[high("D5")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::IgnoresPayload),
    },
    Broken {
        name: "member-by-member",
        defect: "An unconditional PUT writes one member after the other.",
        expect: &[critical("D6")],
        also: &["A5", "B8", "B9", "D12", "D16"],
        speaks: Dialect {
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::MemberByMember),
    },
    Broken {
        name: "patch-of-all-members",
        defect: "PATCH reads all members and writes them back.",
        expect: &[critical("D7")],
        also: &["B8", "B9"],
        speaks: Dialect {
            required: false,
            ..PLAIN
        },
        wrong: Some(Defect::Race(Scope::UnconditionalPatch, SLOWLY)),
    },
    Broken {
        name: "oversold",
        defect: "Takes that meet take the same ones.",
        expect: &[critical("D8")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Take, SLOWLY)),
    },
    Broken {
        name: "undersold",
        defect: "Of takes that meet, some are refused though there is enough.",
        expect: &[medium("D8")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::Undersells),
    },
    Broken {
        name: "delete-races",
        defect: "Check and delete are two steps.",
        expect: &[critical("D9")],
        also: &["D10", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Delete, SLOWLY)),
    },
    Broken {
        name: "shipped-twice",
        defect: "Whether it is open and closing it are two steps.",
        expect: &[critical("D11")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Ship, SLOWLY)),
    },
];

/// What is seen over time.
const HISTORIES: &[Broken] = &[
    Broken {
        name: "torn-read",
        defect: "A read takes the body, and then the tag.",
        expect: &[high("D12")],
        also: &["D13", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::TornRead),
    },
    Broken {
        name: "stale-read",
        defect: "While requests meet, some reads show what was 20 ms ago.",
        expect: &[medium("D12")],
        also: &["D1", "D13", "D15", "D16"],
        speaks: PLAIN,
        wrong: Some(Defect::Flickers),
    },
    Broken {
        name: "dropped-write",
        defect: "Of writes that meet, some are answered with 200 and dropped.",
        expect: &[critical("D13")],
        also: &[
            "A5", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D14",
            "D15", "D16", "D17",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::Drops),
    },
    Broken {
        name: "key-noted-late",
        defect: "A key is noted after the write, if the client is still there.",
        expect: &[high("D14")],
        also: &["D5"],
        speaks: PLAIN,
        wrong: Some(Defect::NotesKeyLate),
    },
    Broken {
        name: "lagging-replica",
        defect: "The second base URL checks against its own copy.",
        expect: &[critical("D15")],
        also: &["B3", "D16"],
        speaks: Dialect { bases: 2, ..PLAIN },
        wrong: Some(Defect::LaggingCopy),
    },
    Broken {
        name: "http2-races",
        defect: "Over HTTP/2, check and write are two steps.",
        expect: &[critical("D15")],
        also: &[
            "D1", "D3", "D4", "D5", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D16", "D17",
        ],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Http2, SLOWLY)),
    },
    Broken {
        name: "late-write",
        defect: "While requests meet, a write is seen 20 ms after its answer.",
        expect: &[critical("D16")],
        also: &["D1", "D12", "D13", "D15"],
        speaks: PLAIN,
        wrong: Some(Defect::ShowsLate),
    },
    Broken {
        name: "transfer-races",
        defect: "A transfer reads both balances, writes the one, and then the other.",
        expect: &[critical("D17")],
        also: &[],
        speaks: PLAIN,
        wrong: Some(Defect::Race(Scope::Transfer, SLOWLY)),
    },
];
