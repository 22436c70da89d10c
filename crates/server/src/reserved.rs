//! Names by which other servers page, search and sort. Taken for filters, they would give an empty
//! page that looks like the loss of everything.

use crate::problem::Problem;

const PAGES: &str = "Pages follow each other by `cursor`, which is `next` of the page before";
const SIZE: &str = "The size of a page is `limit`";
const TOTAL: &str = "How many documents a list has in all is told with `count=true`";
const ORDER: &str = "The order is `sort=name`, or `sort=-name` to reverse it";
const SEARCH: &str = "A member is compared by its name, `status=paid`, perhaps with an operator, `stock.lt=5`; there \
     is no search in texts";
const PROJECTION: &str = "A list has whole documents";

/// Names in small letters without `_`, `-`, `$` and what is in brackets, and what to use here.
const NAMES: [(&str, &[&str]); 6] = [
    (
        PAGES,
        &[
            "page",
            "pageno",
            "pagenumber",
            "pageindex",
            "pagetoken",
            "offset",
            "skip",
            "after",
            "before",
            "startingafter",
            "endingbefore",
            "startafter",
            "cursor",
            "start",
            "end",
        ],
    ),
    (
        SIZE,
        &[
            "perpage",
            "pagesize",
            "take",
            "top",
            "maxresults",
            "itemsperpage",
            "limit",
        ],
    ),
    (
        TOTAL,
        &["count", "withcount", "includecount", "includetotalcount"],
    ),
    (
        ORDER,
        &[
            "order",
            "orderby",
            "orderdir",
            "ordering",
            "sort",
            "sortby",
            "sortorder",
            "sortdir",
        ],
    ),
    (
        SEARCH,
        &[
            "q", "query", "search", "fulltext", "filter", "filters", "where",
        ],
    ),
    (
        PROJECTION,
        &[
            "fields",
            "select",
            "projection",
            "include",
            "exclude",
            "expand",
            "embed",
            "populate",
        ],
    ),
];

/// Names that many documents have as members; they are reserved only with a `_` or `$` in front.
const MEMBERS: [&str; 4] = ["start", "end", "include", "exclude"];

/// Refuses a parameter of a list that another server would page, search or sort by.
pub(crate) fn must_not_be_reserved(name: &str) -> Result<(), Problem> {
    let Some(instead) = instead(name) else {
        return Ok(());
    };
    let pointer = name.trim_start_matches(['_', '$']);
    let detail = format!(
        "{name:?} is not a parameter of a list. {instead}. To filter by a member of that name, write \
         its JSON Pointer: `/{pointer}=…`."
    );
    Err(Problem::malformed(detail).with("parameter", name))
}

/// What to use instead of a reserved name.
fn instead(name: &str) -> Option<&'static str> {
    let bare = name.split('[').next().unwrap_or_default();
    if MEMBERS.contains(&bare) {
        return None;
    }
    let letters = bare.chars().filter(|it| !"_-$".contains(*it));
    let plain: String = letters.collect::<String>().to_lowercase();
    let mut rows = NAMES.iter();
    let row = rows.find(|(_, names)| names.contains(&&*plain))?;
    Some(row.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_servers_page_and_search_by_is_reserved() {
        let cases = [
            ("page", Some(PAGES)),
            ("page[number]", Some(PAGES)),
            ("offset", Some(PAGES)),
            ("skip", Some(PAGES)),
            ("_start", Some(PAGES)),
            ("per_page", Some(SIZE)),
            ("perPage", Some(SIZE)),
            ("page-size", Some(SIZE)),
            ("_limit", Some(SIZE)),
            ("$top", Some(SIZE)),
            ("_count", Some(TOTAL)),
            ("$count", Some(TOTAL)),
            ("total", None),
            ("q", Some(SEARCH)),
            ("search", Some(SEARCH)),
            ("filter", Some(SEARCH)),
            ("filter[status]", Some(SEARCH)),
            ("$filter", Some(SEARCH)),
            ("order", Some(ORDER)),
            ("orderBy", Some(ORDER)),
            ("sort_by", Some(ORDER)),
            ("_sort", Some(ORDER)),
            ("fields", Some(PROJECTION)),
            ("$select", Some(PROJECTION)),
            ("start", None),
            ("status", None),
            ("orders", None),
            ("quantity", None),
            ("/page", None),
            ("page.gt", None),
            ("_id", None),
        ];
        for (name, expected) in cases {
            assert_eq!(instead(name), expected, "{name}");
        }
    }
}
