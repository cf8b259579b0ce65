//! Revocation lists and OCSP responses about Alice, whoever signed them: only one that can be read proves anything.
#![no_main]

use fuzz::gullible::Gullible;
use fuzz::{MARK, NOW, bounded, pieces, world};
use libfuzzer_sys::fuzz_target;
use smime::block_on_ready as ready;
use smime::path::{PathError, Purpose, Query, is_ocsp_response, is_revocation_list, validate};
use smime::rustcrypto::RustCrypto;

fuzz_target!(|data: &[u8]| {
    let world = world();
    let evidence: Vec<Vec<u8>> = pieces(data, MARK).into_iter().map(<[u8]>::to_vec).collect();
    let (alice, issuer) = (world.alices(), &world.alice.chain[1..]);
    let query = Query { revocation_required: true, ..Query::new(Purpose::Signing, NOW) };
    let (believed, proven) = bounded(data, 200, 1 << 20, || {
        let believed = ready(validate(&Gullible, alice, issuer, &[], &evidence, &query));
        (believed, ready(validate(&RustCrypto, alice, issuer, &[], &evidence, &query)))
    });
    let readable = evidence.iter().any(|one| is_revocation_list(one) || is_ocsp_response(one));
    assert!(readable || matches!(believed, Err(PathError::RevocationUnknown { .. })), "{believed:?}");
    // Nobody here signs any, so whatever was made of it says nothing.
    assert!(
        matches!(proven, Err(PathError::RevocationUnknown { .. } | PathError::BudgetExceeded)),
        "{proven:?}"
    );
});
