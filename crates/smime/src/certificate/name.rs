//! Distinguished names (RFC 5280 4.1.2.4).

use std::fmt::Write;

use const_oid::ObjectIdentifier;

use crate::asn1::{self, Malformed, Reader, Tlv, tag};

pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
pub(crate) const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

const SHORT_NAMES: [(ObjectIdentifier, &str); 12] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.4"), "SN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ORGANISATION, "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.42"), "GN"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (EMAIL_ADDRESS, "emailAddress"),
];

/// Names have at most this many attributes here.
const MAX_ATTRIBUTES: usize = 64;

type Attribute<'a> = (ObjectIdentifier, Tlv<'a>);

/// The relative names in their order, each with its attributes.
fn relative_names(name: &[u8]) -> Result<Vec<Vec<Attribute<'_>>>, Malformed> {
    asn1::single(name, tag::SEQUENCE)?.reader().all(MAX_ATTRIBUTES)?.iter().map(relative_name).collect()
}

fn relative_name<'a>(set: &Tlv<'a>) -> Result<Vec<Attribute<'a>>, Malformed> {
    if set.tag != tag::SET {
        return Err(Malformed);
    }
    let attributes = set.reader().all(MAX_ATTRIBUTES)?;
    attributes.iter().map(|attribute| attribute_of(attribute.reader())).collect()
}

fn attribute_of(mut fields: Reader<'_>) -> Result<Attribute<'_>, Malformed> {
    let attribute = (fields.oid()?, fields.next()?);
    fields.end()?;
    Ok(attribute)
}

/// Every value of one attribute, in the order of the name.
pub(crate) fn attribute(name: &[u8], wanted: ObjectIdentifier) -> Vec<String> {
    let names = relative_names(name).unwrap_or_default();
    let found = names.iter().flatten().filter(|(oid, _)| *oid == wanted);
    found.filter_map(|(_, value)| text(value)).collect()
}

/// The name as RFC 4514 writes it; empty if it is malformed.
pub(crate) fn to_rfc4514(name: &[u8]) -> String {
    let names = relative_names(name).unwrap_or_default();
    let relative = |attributes: &Vec<Attribute<'_>>| {
        attributes.iter().map(|(oid, value)| pair(*oid, value)).collect::<Vec<_>>().join("+")
    };
    names.iter().rev().map(relative).collect::<Vec<_>>().join(",")
}

fn pair(oid: ObjectIdentifier, value: &Tlv<'_>) -> String {
    let known = SHORT_NAMES.iter().find(|(known, _)| *known == oid);
    match (known, text(value)) {
        (Some((_, short)), Some(text)) => format!("{short}={}", escaped(&text)),
        _ => {
            let mut pair = format!("{oid}=#");
            for octet in value.der {
                // Writing to a String cannot fail.
                let _ = write!(pair, "{octet:02x}");
            }
            pair
        }
    }
}

/// RFC 4514 2.4.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let last = text.chars().count().saturating_sub(1);
    for (index, symbol) in text.chars().enumerate() {
        let at_edge = (symbol == ' ' && (index == 0 || index == last)) || (symbol == '#' && index == 0);
        match symbol {
            '\0' => escaped.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', symbol]),
            _ if at_edge => escaped.extend(['\\', symbol]),
            _ => escaped.push(symbol),
        }
    }
    escaped
}

/// A form in which equal names are equal (RFC 5280 7.1): strings of any type are compared without
/// case and with runs of spaces as one, all other values by their bytes. A name that is the
/// beginning of another is the beginning of its form. What is malformed equals only itself.
pub(crate) fn normalized(name: &[u8]) -> Vec<u8> {
    try_normalized(name).unwrap_or_else(|Malformed| name.to_vec())
}

/// As [`normalized`], for well-formed names only.
pub(crate) fn try_normalized(name: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut form = Vec::new();
    for attributes in relative_names(name)? {
        let pairs = attributes.iter().map(normalized_pair).collect();
        form.extend(asn1::write::set_of(tag::SET, pairs));
    }
    Ok(form)
}

fn normalized_pair((oid, value): &Attribute<'_>) -> Vec<u8> {
    let value = match text(value) {
        Some(text) => asn1::write::utf8(&folded(&text)),
        None => value.der.to_vec(),
    };
    asn1::write::sequence(&[&asn1::write::oid(*oid), &value])
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The text of any of ASN.1's string types.
pub(crate) fn text(value: &Tlv<'_>) -> Option<String> {
    const NUMERIC_STRING: u8 = 0x12;
    const VISIBLE_STRING: u8 = 0x1a;
    match value.tag {
        tag::UTF8_STRING => String::from_utf8(value.value.to_vec()).ok(),
        tag::PRINTABLE_STRING | tag::IA5_STRING | NUMERIC_STRING | VISIBLE_STRING => {
            value.value.is_ascii().then(|| String::from_utf8_lossy(value.value).into_owned())
        }
        // T.61 was written as Latin-1 by everybody who still used it.
        tag::TELETEX_STRING => Some(value.value.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let units = value.value.chunks(2).map(|pair| match pair {
                [high, low] => Some(u16::from_be_bytes([*high, *low])),
                _ => None,
            });
            String::from_utf16(&units.collect::<Option<Vec<u16>>>()?).ok()
        }
        tag::UNIVERSAL_STRING => {
            let points = value.value.chunks(4).map(|four| {
                let four = <[u8; 4]>::try_from(four).ok()?;
                char::from_u32(u32::from_be_bytes(four))
            });
            points.collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;

    fn name(attributes: &[(ObjectIdentifier, u8, &[u8])]) -> Vec<u8> {
        let sets = attributes.iter().map(|(oid, string, value)| {
            write::tlv(tag::SET, &[&write::sequence(&[&write::oid(*oid), &write::tlv(*string, &[value])])])
        });
        write::sequence(&[&sets.collect::<Vec<_>>().concat()])
    }

    #[test]
    fn a_name_is_written_backwards_and_escaped() {
        let der = name(&[
            (ORGANISATION, tag::UTF8_STRING, "民政, 登记".as_bytes()),
            (COMMON_NAME, tag::PRINTABLE_STRING, b" a+b"),
        ]);
        assert_eq!(to_rfc4514(&der), "CN=\\ a\\+b,O=民政\\, 登记");
    }

    #[test]
    fn names_are_equal_whatever_their_case_spaces_and_string_type() {
        let one = name(&[(COMMON_NAME, tag::PRINTABLE_STRING, b"Good  CA")]);
        let other = name(&[(COMMON_NAME, tag::UTF8_STRING, b" good ca ")]);
        let third = name(&[(COMMON_NAME, tag::UTF8_STRING, b"goodca")]);
        assert_eq!(normalized(&one), normalized(&other));
        assert_ne!(normalized(&one), normalized(&third));
    }
}
