//! The outer header, as the relay reads it at the door.
#![no_main]

use fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use sealpost::outer::{OuterHeader, authors, sole_author, without_bcc};

/// Whether programs that map domains (UTS 46) take this one for one in ASCII that it is not.
fn is_read_as_another(address: &str) -> bool {
    let Some((_, domain)) = address.rsplit_once('@') else { return false };
    let mapped = idna::domain_to_ascii(domain);
    !domain.is_ascii() && mapped.is_ok_and(|mapped| !mapped.contains("xn--"))
}

fuzz_target!(|data: &[u8]| {
    let outer = bounded(data, 200, 1 << 20, || OuterHeader::parse(data));
    let written = serde_json::to_string(&outer).expect("a header can be written");
    let read = serde_json::from_str::<OuterHeader>(&written).expect("what was written can be read");
    // The subject is kept apart.
    assert_eq!(OuterHeader { subject: outer.subject.clone(), ..read }, outer);
    assert!(written.len() < 4 << 20, "a hostile header weighs {} octets", written.len());
    assert!(outer.related_ids().len() <= 20);
    if let Some(author) = sole_author(data) {
        assert_eq!(authors(data), [author]);
    }
    let shown = smime::message::authors(data);
    let relay = authors(data);
    for author in &shown {
        assert!(relay.contains(author), "the relay does not see {author}");
        assert!(!is_read_as_another(author), "{author} is read as another");
    }
    if let Some(stripped) = without_bcc(data) {
        assert_eq!(without_bcc(&stripped), None, "a Bcc is left");
        assert!(stripped.len() < data.len());
    }
});
