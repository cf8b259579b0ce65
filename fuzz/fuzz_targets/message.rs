//! A whole mail: MIME, header protection, layers, and its one status.
#![no_main]

use fuzz::{NOW, bounded, world};
use libfuzzer_sys::fuzz_target;
use smime::block_on_ready as ready;
use smime::message::{Layer, Opened, Status, authors, needs_door, open};
use smime::rustcrypto::RustCrypto;

/// Alice said one text; whatever counts as hers says it too, under her address.
fn check(opened: &Opened) {
    if !matches!(opened.status, Status::Verified | Status::Confidential) {
        return;
    }
    let text = opened.text().unwrap_or_default();
    assert_eq!(text.trim(), fuzz::world::TEXT, "another text counts as Alice's");
    let from = &opened.headers.from;
    assert!(
        !from.is_empty() && from.iter().all(|author| author.email.eq_ignore_ascii_case(fuzz::world::ALICE)),
        "somebody else is shown: {from:?}"
    );
    assert!(opened.attachments().next().is_none(), "there is a file that Alice did not attach");
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    bounded(data, 300, 4 << 20, || {
        let sealed = !needs_door(data);
        let opened = ready(open(&RustCrypto, &world.keyring, &world.bob, &world.trust, data, NOW));
        let Ok(opened) = opened else { return };
        check(&opened);
        if opened.layers.is_empty() {
            // By these the relay decides whose a message in clear is.
            assert!(
                opened.headers.from.iter().map(|author| &author.email).eq(&authors(data)),
                "two readings"
            );
        }
        let encrypted = opened.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { .. }));
        assert!(!sealed || encrypted, "the relay took for sealed what is not");
        let _ = (opened.html(), opened.headers.reply_addresses().len(), opened.headers.reference());
        for part in &opened.parts {
            let _ = part.text();
        }
    });
});
