use detente_core::Moment;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version of a certificate, which the oldest ones do not have.
const VERSION: u8 = 0xa0;

/// When a certificate ends: `notAfter` (RFC 5280, section 4.1); `None` if it cannot be read.
pub(super) fn end(certificate: &[u8]) -> Option<Moment> {
    let (_, certificate, _) = element(certificate)?;
    let (_, signed, _) = element(certificate)?;
    let (tag, _, after_version) = element(signed)?;
    let mut rest = if tag == VERSION {
        after_version
    } else {
        signed
    };
    for _ in ["serial number", "signature algorithm", "issuer"] {
        (_, _, rest) = element(rest)?;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    moment(tag, std::str::from_utf8(time).ok()?)
}

/// Tag and content of the first element in DER, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x0f))?;
            let length = bytes
                .iter()
                .fold(0, |it, byte| it << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, in which 50 is 1950, or the same with the whole year.
fn moment(tag: u8, time: &str) -> Option<Moment> {
    let time = match tag {
        UTC_TIME if *time.as_bytes().first()? < b'5' => format!("20{time}"),
        UTC_TIME => format!("19{time}"),
        GENERALIZED_TIME => time.to_owned(),
        _ => return None,
    };
    let digits = time.strip_suffix('Z').filter(|it| it.len() == 14)?;
    let part = |from: usize| digits.get(from..from + 2);
    let (year, month, day) = (digits.get(..4)?, part(4)?, part(6)?);
    let (hour, minute, second) = (part(8)?, part(10)?, part(12)?);
    Moment::from_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_time_are_read() {
        let cases = [
            (UTC_TIME, "261129080910Z", Some("2026-11-29T08:09:10.000Z")),
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59.000Z")),
            (UTC_TIME, "991231235959Z", Some("1999-12-31T23:59:59.000Z")),
            (
                GENERALIZED_TIME,
                "20510101000000Z",
                Some("2051-01-01T00:00:00.000Z"),
            ),
            (UTC_TIME, "2611290809Z", None),
            (UTC_TIME, "261329080910Z", None),
            (UTC_TIME, "26112908091é", None),
            (GENERALIZED_TIME, "261129080910Z", None),
            (0x0c, "261129080910Z", None),
            (UTC_TIME, "", None),
        ];
        for (tag, text, expected) in cases {
            let found = moment(tag, text).map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_certificate_ends_and_what_is_none_does_not() {
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2051, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let found = end(certificate.der()).map(|it| it.to_string());
        assert_eq!(found.as_deref(), Some("2051-02-03T00:00:00.000Z"));
        for length in 0..certificate.der().len() {
            end(&certificate.der()[..length]);
        }
        assert_eq!(end(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(end(&[0x30, 0x80]), None);
    }
}
