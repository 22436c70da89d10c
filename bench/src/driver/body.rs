//! A JSON document of 1 KiB, different at every edit.

/// The size of every document.
pub(crate) const BODY_BYTES: usize = 1024;
/// Digits of a document's number and of an edit's: both are written in place.
pub(crate) const DIGITS: usize = 10;

const BEFORE_ID: &str = r#"{"id":""#;
const BEFORE_EDIT: &str = r#"","edit":""#;
/// Some of everything that a document has, so that checking it costs what it would.
const FIELDS: &str = concat!(
    r#"","title":"Purchase order for the northern warehouse","status":"approved","priority":3,"total":18249.5,"#,
    r#""tax_rate":0.19,"paid":false,"closed_at":null,"tags":["office","recurring","net-30"],"#,
    r#""customer":{"name":"Zoë Ångström","email":"zoe@example.org","city":"Malmö","since":2017},"#,
    r#""lines":[{"sku":"A-1001","quantity":12,"price":499.0},{"sku":"B-2040","quantity":3,"price":1250.25},"#,
    r#"{"sku":"C-77","quantity":140,"price":60.75}],"note":""#,
);
const PROSE: &str =
    "Deliver to the side door, ring twice, and leave the papers with whoever signs. ";
const END: &str = r#""}"#;

pub(crate) struct Body {
    bytes: Vec<u8>,
}

impl Body {
    pub(crate) fn new() -> Body {
        let blank = "0".repeat(DIGITS);
        let mut bytes = [BEFORE_ID, &blank, BEFORE_EDIT, &blank, FIELDS]
            .concat()
            .into_bytes();
        let room = BODY_BYTES - bytes.len() - END.len();
        bytes.extend(PROSE.bytes().cycle().take(room));
        bytes.extend_from_slice(END.as_bytes());
        Body { bytes }
    }

    /// The body of one edit of one document.
    pub(crate) fn of(&mut self, id: u32, edit: u32) -> &[u8] {
        let id_at = BEFORE_ID.len();
        let edit_at = id_at + DIGITS + BEFORE_EDIT.len();
        write_digits(&mut self.bytes[id_at..id_at + DIGITS], id);
        write_digits(&mut self.bytes[edit_at..edit_at + DIGITS], edit);
        &self.bytes
    }
}

/// Fills `field` with a number in decimal, zeros in front.
pub(crate) fn write_digits(field: &mut [u8], mut number: u32) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_body_is_json_of_the_promised_size() {
        let mut body = Body::new();
        let bytes = body.of(42, u32::MAX);
        assert_eq!(bytes.len(), BODY_BYTES);
        let value: Value = serde_json::from_slice(bytes).expect("it is JSON");
        assert_eq!(value["id"], "0000000042");
        assert_eq!(value["edit"], "4294967295");
    }
}
