//! BER to DER: the output is DER by a reader of its own, and is its own output.
#![no_main]

use fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use smime::ber::to_der;

/// The element at the beginning, with definite and shortest lengths all the way down; gives the rest.
fn element(der: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        assert!(
            octets.first().is_some_and(|octet| *octet != 0) && length >= 0x80,
            "a length is not the shortest"
        );
        (length, rest)
    };
    let (mut contents, rest) = rest.split_at_checked(length)?;
    while tag & 0x20 != 0 && !contents.is_empty() {
        contents = element(contents)?;
    }
    Some(rest)
}

fuzz_target!(|data: &[u8]| {
    // A node of the tree is some tens of octets, and an element has two at least.
    let Ok(der) = bounded(data, 80, 4096, || to_der(data)) else { return };
    assert_eq!(element(&der), Some(&[][..]), "the output is no DER");
    // A length that was indefinite takes at most two octets more, once it is above 65,535.
    assert!(der.len() <= data.len() + 128 * (1 + data.len() / 65_536));
    assert_eq!(to_der(&der).as_deref(), Ok(&*der), "the output is rewritten once more");
});
