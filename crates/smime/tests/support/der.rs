//! DER put together and taken apart by hand, for what this crate never writes.

pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    let mut der = vec![tag];
    match length {
        [0, 0, 0, short @ 0..0x80] => der.push(short),
        [0, 0, 0, short] => der.extend([0x81, short]),
        [0, 0, high, low] => der.extend([0x82, high, low]),
        [0, high, middle, low] => der.extend([0x83, high, middle, low]),
        _ => panic!("too long"),
    }
    der.extend(contents);
    der
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// The contents of the element at the beginning, and all that follows it.
pub fn split(der: &[u8]) -> (&[u8], &[u8]) {
    let [_, length, rest @ ..] = der else { panic!("too short") };
    let (length, rest) = match *length {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (octets, rest) = rest.split_at(usize::from(long & 0x7f));
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
    };
    rest.split_at(length)
}
