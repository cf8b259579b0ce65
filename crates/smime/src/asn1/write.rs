use const_oid::ObjectIdentifier;

use super::tag;
use crate::time::UnixTime;

/// Identifier and length octets.
pub(crate) fn header(tag: u8, length: usize) -> Vec<u8> {
    let octets = length.to_be_bytes();
    let significant = octets.iter().skip_while(|octet| **octet == 0).copied().collect::<Vec<u8>>();
    let mut header = vec![tag];
    if length >= 0x80 {
        // A usize has at most eight octets.
        header.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
    }
    if length == 0 {
        header.push(0);
    }
    header.extend(significant);
    header
}

/// An element whose contents are the parts, joined.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut element = header(tag, length);
    element.reserve_exact(length);
    for part in parts {
        element.extend_from_slice(part);
    }
    element
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// A SET OF under any tag, its elements in DER's order (X.690 11.6).
pub(crate) fn set_of(tag: u8, elements: Vec<Vec<u8>>) -> Vec<u8> {
    // They are few, and a sort would be one more function of its own in a browser's program.
    let mut ordered: Vec<&[u8]> = Vec::with_capacity(elements.len());
    for element in elements.iter().map(Vec::as_slice) {
        ordered.insert(ordered.partition_point(|other| *other <= element), element);
    }
    tlv(tag, &ordered)
}

pub(crate) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(tag::OID, &[oid.as_bytes()])
}

pub(crate) fn octets(value: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, &[value])
}

pub(crate) fn bits(value: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], value])
}

pub(crate) fn null() -> Vec<u8> {
    vec![tag::NULL, 0]
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    vec![tag::BOOLEAN, 1, if value { 0xff } else { 0 }]
}

pub(crate) fn utf8(value: &str) -> Vec<u8> {
    tlv(tag::UTF8_STRING, &[value.as_bytes()])
}

/// A non-negative INTEGER from its big-endian octets.
pub(crate) fn unsigned(value: &[u8]) -> Vec<u8> {
    let first = value.iter().position(|octet| *octet != 0);
    let digits = first.and_then(|first| value.get(first..)).unwrap_or(&[0]);
    let sign: &[u8] = if digits.first().is_some_and(|octet| octet & 0x80 != 0) { &[0] } else { &[] };
    tlv(tag::INTEGER, &[sign, digits])
}

pub(crate) fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// `AlgorithmIdentifier` with encoded parameters, or none.
pub(crate) fn algorithm(oid_: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    sequence(&[&oid(oid_), parameters])
}

/// `Time` (RFC 5280 4.1.2.5): UTCTime through 2049, GeneralizedTime from then on.
pub(crate) fn time(at: UnixTime) -> Vec<u8> {
    let text = at.generalized();
    let (year, _, _, _, _, _) = at.fields();
    match text.as_bytes().get(2..) {
        Some(short) if year < 2050 => tlv(tag::UTC_TIME, &[short]),
        _ => generalized_time(at),
    }
}

pub(crate) fn generalized_time(at: UnixTime) -> Vec<u8> {
    tlv(tag::GENERALIZED_TIME, &[at.generalized().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(header(4, 0), [4, 0]);
        assert_eq!(header(4, 0x7f), [4, 0x7f]);
        assert_eq!(header(4, 0x80), [4, 0x81, 0x80]);
        assert_eq!(header(4, 0x1_0000), [4, 0x83, 1, 0, 0]);
    }

    #[test]
    fn numbers_keep_their_sign_octet() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(0x7f), [2, 1, 0x7f]);
        assert_eq!(integer(0x80), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0, 0xff]), [2, 2, 0, 0xff]);
    }

    #[test]
    fn a_set_is_in_order_of_its_encodings() {
        assert_eq!(set_of(tag::SET, vec![integer(7), integer(3)]), [0x31, 6, 2, 1, 3, 2, 1, 7]);
    }
}
