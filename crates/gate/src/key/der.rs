use super::{Key, NotAKey};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `AlgorithmIdentifier`s, without their own tag and length: 1.2.840.113549.1.1.1 with NULL (RFC 3279),
/// 1.2.840.10045.2.1 with 1.2.840.10045.3.1.7 (RFC 5480), 1.3.101.112 (RFC 8410).
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

/// A `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
pub(super) fn public_key(der: &[u8]) -> Result<Key, NotAKey> {
    let (algorithm, bits) = subject(der).ok_or(NotAKey::Kind)?;
    match algorithm {
        RSA => {
            let (n, e) = rsa(bits).ok_or(NotAKey::Kind)?;
            Key::rsa(n, e)
        }
        P256 => Key::p256(bits),
        ED25519 => Key::ed25519(bits),
        _ => Err(NotAKey::Kind),
    }
}

fn subject(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut inner = whole(der)?;
    let algorithm = element(&mut inner, SEQUENCE)?;
    let bits = element(&mut inner, BIT_STRING)?;
    let bits = bits.strip_prefix(&[0])?;
    inner.is_empty().then_some((algorithm, bits))
}

/// An `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut inner = whole(der)?;
    let n = element(&mut inner, INTEGER)?;
    let e = element(&mut inner, INTEGER)?;
    inner.is_empty().then_some((n, e))
}

/// A sequence with nothing behind it.
fn whole(mut der: &[u8]) -> Option<&[u8]> {
    let inner = element(&mut der, SEQUENCE)?;
    der.is_empty().then_some(inner)
}

/// Takes one element away, of at most 64 KiB.
fn element<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (length, rest) = match **der {
        [found, ..] if found != tag => return None,
        [_, 0x82, high, low, ..] => (usize::from(high) << 8 | usize::from(low), &der[4..]),
        [_, 0x81, length, ..] => (usize::from(length), &der[3..]),
        [_, length @ ..=0x7f, ..] => (usize::from(length), &der[2..]),
        _ => return None,
    };
    let (element, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some(element)
}
