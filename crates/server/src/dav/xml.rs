//! The XML of WebDAV bodies, read into names and written from them.

use roxmltree::{Document, Node, ParsingOptions};

use crate::problem::Problem;

/// The namespace of all that RFC 4918 names.
pub(super) const DAV: &str = "DAV:";

/// What `xml:lang` is in.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// How deep elements may lie within one another.
const MAX_DEPTH: usize = 64;

/// How many elements, texts and attributes a body may have.
const MAX_NODES: u32 = 50_000;

/// An element's name within its namespace, which is empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) local: String,
}

impl Name {
    pub(super) fn dav(local: &str) -> Self {
        Self {
            namespace: DAV.to_owned(),
            local: local.to_owned(),
        }
    }

    pub(super) fn of(node: Node<'_, '_>) -> Self {
        let name = node.tag_name();
        Self {
            namespace: name.namespace().unwrap_or_default().to_owned(),
            local: name.name().to_owned(),
        }
    }

    /// As James Clark writes names: `{namespace}local`.
    pub(super) fn to_key(&self) -> String {
        format!("{{{}}}{}", self.namespace, self.local)
    }

    pub(super) fn from_key(key: &str) -> Option<Self> {
        let (namespace, local) = key.strip_prefix('{')?.rsplit_once('}')?;
        Some(Self {
            namespace: namespace.to_owned(),
            local: local.to_owned(),
        })
    }

    /// An element of this name without content.
    pub(super) fn push_empty(&self, out: &mut String) {
        if self.namespace == DAV {
            out.push_str("<D:");
            out.push_str(&self.local);
            out.push_str("/>");
            return;
        }
        out.push('<');
        out.push_str(&self.local);
        push_attribute(out, "xmlns", &self.namespace);
        out.push_str("/>");
    }
}

/// The text of a body.
///
/// # Errors
///
/// A problem, if it is none.
pub(super) fn text_in(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body);
    text.map_err(|_| Problem::malformed("The body must be UTF-8."))
}

/// Reads a body. Entities of its own and other document types are refused: they can be made to grow.
///
/// # Errors
///
/// A problem that names the place.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Problem> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let place = error.pos();
        Problem::malformed(format!("The body is not XML: {error}."))
            .with("line", u64::from(place.row))
            .with("column", u64::from(place.col))
    })?;
    let is_deep = |node: Node<'_, '_>| node.ancestors().count() > MAX_DEPTH;
    if document.descendants().any(is_deep) {
        let detail = format!("The elements of the body lie in more than {MAX_DEPTH} levels.");
        return Err(Problem::malformed(detail));
    }
    // Section 2.1 of Namespaces in XML: a prefix stands for a namespace.
    let is_nothing = |node: Node<'_, '_>| {
        let mut declared = node.namespaces();
        declared.any(|it| it.name().is_some() && it.uri().is_empty())
    };
    if document.descendants().any(is_nothing) {
        return Err(Problem::malformed(
            "A prefix in the body stands for no namespace.",
        ));
    }
    Ok(document)
}

/// Whether an element has a name of RFC 4918.
pub(super) fn is_dav(node: Node<'_, '_>, local: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(DAV) && node.tag_name().name() == local
}

pub(super) fn child<'a, 'input>(node: Node<'a, 'input>, local: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|it| is_dav(*it, local))
}

/// An element with all that is in it, so that it means the same wherever it is put.
pub(super) fn whole(node: Node<'_, '_>) -> String {
    let mut out = String::new();
    push_whole(&mut out, node, None);
    out
}

/// `around` is the namespace of names without a prefix.
pub(super) fn push_whole(out: &mut String, node: Node<'_, '_>, around: Option<&str>) {
    if node.is_text() {
        push_text(out, node.text().unwrap_or_default());
        return;
    }
    if !node.is_element() {
        return;
    }
    let namespace = node.tag_name().namespace().unwrap_or_default();
    let name = node.tag_name().name();
    out.push('<');
    out.push_str(name);
    if around != Some(namespace) {
        push_attribute(out, "xmlns", namespace);
    }
    if around.is_none()
        && let Some(language) = language(node)
    {
        push_attribute(out, "xml:lang", language);
    }
    let mut number = 0;
    for attribute in node.attributes() {
        match attribute.namespace() {
            None => push_attribute(out, attribute.name(), attribute.value()),
            Some(XML) if around.is_none() && attribute.name() == "lang" => {}
            Some(XML) => {
                push_attribute(out, &format!("xml:{}", attribute.name()), attribute.value());
            }
            Some(of) => {
                push_attribute(out, &format!("xmlns:a{number}"), of);
                let name = format!("a{number}:{}", attribute.name());
                push_attribute(out, &name, attribute.value());
                number += 1;
            }
        }
    }
    if !node.has_children() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in node.children() {
        push_whole(out, child, Some(namespace));
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The language of an element, which may be said around it (RFC 4918, section 4.3).
fn language<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.ancestors().find_map(|it| it.attribute((XML, "lang")))
}

/// What an element says without its markup, or several in a row; `None` if the text is none of these.
pub(crate) fn text_of(elements: &str) -> Option<String> {
    if !elements.starts_with('<') {
        return None;
    }
    let whole = format!("<o>{elements}</o>");
    let document = parse(&whole).ok()?;
    let texts = document.descendants().filter(Node::is_text);
    Some(texts.filter_map(|it| it.text()).collect())
}

fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_text(out, value);
    out.push('"');
}

/// A text, or the value of an attribute.
pub(super) fn push_text(out: &mut String, text: &str) {
    let is_special = |it: u8| matches!(it, b'&' | b'<' | b'>' | b'"' | b'\r' | b'\n' | b'\t');
    if !text.bytes().any(is_special) {
        out.push_str(text);
        return;
    }
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Else a parser makes one newline, or a space, of them.
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            it => out.push(it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_means_the_same_elsewhere() {
        let text = r#"<D:prop xmlns:D="DAV:" xmlns:x="urn:x" xml:lang="en">
            <x:a x:b="1 &lt; 2" c="&quot;"><d xmlns="">t &amp; u</d><!-- n --><x:e/></x:a></D:prop>"#;
        let document = parse(text).unwrap();
        let node = document.root_element().first_element_child().unwrap();
        let moved = whole(node);
        assert_eq!(
            moved,
            "<a xmlns=\"urn:x\" xml:lang=\"en\" xmlns:a0=\"urn:x\" a0:b=\"1 &lt; 2\" c=\"&quot;\">\
             <d xmlns=\"\">t &amp; u</d><e/></a>"
        );
        // It is a fixed point.
        let again = parse(&moved).unwrap();
        assert_eq!(whole(again.root_element()), moved);
    }

    #[test]
    fn elements_are_told_from_texts() {
        let mail = "<href xmlns=\"DAV:\">mailto:a&amp;b</href>";
        assert_eq!(text_of(mail).as_deref(), Some("mailto:a&b"));
        for other in [
            "Ann",
            "",
            "<b",
            "<b>",
            "</o><o>",
            "<b/></o><c/><o>",
            "a<b/>",
        ] {
            assert_eq!(text_of(other), None, "{other}");
        }
    }

    #[test]
    fn names_are_kept_as_keys() {
        for (namespace, local) in [("DAV:", "displayname"), ("", "a"), ("urn:{x}", "b")] {
            let name = Name {
                namespace: namespace.into(),
                local: local.into(),
            };
            assert_eq!(Name::from_key(&name.to_key()), Some(name));
        }
        assert_eq!(Name::from_key("displayname"), None);
    }

    #[test]
    fn what_can_grow_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        assert!(parse(bomb).is_err());
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        assert!(parse(&deep).is_err());
        assert!(parse("<a><b></a>").is_err());
        assert!(parse("<x:a/>").is_err());
        assert!(parse("<a xmlns:x=\"\"/>").is_err());
        assert!(parse("").is_err());
    }
}
