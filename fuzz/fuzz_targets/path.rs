//! Path building from a bag of certificates and revocation lists, where every signature is believed.
#![no_main]

use fuzz::gullible::Gullible;
use fuzz::{MARK, NOW, bounded, pieces, world};
use libfuzzer_sys::fuzz_target;
use smime::path::{Policies, Purpose, Query, validate};
use smime::{Certificate, block_on_ready as ready};

const PURPOSES: [Purpose; 4] = [Purpose::Any, Purpose::Signing, Purpose::Encryption, Purpose::Timestamping];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let pieces = pieces(data, MARK);
    let bag: Vec<Certificate> =
        pieces.iter().filter_map(|piece| Certificate::from_der(piece).ok()).take(40).collect();
    let Some((leaf, others)) = bag.split_first() else { return };
    let lists: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    // The last of the bag is an anchor too, or nothing foreign would ever be valid.
    let mut anchors = world().trust.anchors.clone();
    anchors.extend(others.last().cloned());
    let query = Query {
        purpose: PURPOSES[usize::from(choice & 3)],
        at: NOW,
        policies: Policies {
            initial: Vec::new(),
            require_explicit: choice & 4 != 0,
            inhibit_mapping: choice & 8 != 0,
            inhibit_any: choice & 16 != 0,
        },
        revocation_required: choice & 32 != 0,
    };
    let path =
        bounded(data, 200, 4 << 20, || ready(validate(&Gullible, leaf, &anchors, others, &lists, &query)));
    let Ok(path) = path else { return };
    let certificates = path.certificates();
    assert_eq!(certificates.first(), Some(leaf));
    assert!(certificates.last().is_some_and(|anchor| anchors.contains(anchor)), "it ends at no anchor");
    // A trust anchor is a name and a key: its own validity is not asked for (RFC 5280 6.1.1).
    let below = &certificates[..certificates.len() - 1];
    assert!(below.iter().all(|one| one.is_valid_at(NOW)), "something is not valid now");
});
