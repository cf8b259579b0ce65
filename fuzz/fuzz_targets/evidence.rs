//! Evidence beside a signature: whatever is put there, the signature stays what it was.
#![no_main]

use fuzz::world::ENTITY;
use fuzz::{MARK, NOW, bounded, pieces, seeds, world};
use libfuzzer_sys::fuzz_target;
use smime::block_on_ready as ready;
use smime::evidence::{Evidence, links};
use smime::path::{is_ocsp_response, is_revocation_list};
use smime::rustcrypto::RustCrypto;

/// The verdicts of the signers; `None` where it cannot be read.
fn verdicts(cms: &[u8]) -> Option<Vec<bool>> {
    let verified = ready(smime::verify(&RustCrypto, cms, None, &world().trust, NOW)).ok()?;
    Some(verified.signers.iter().map(|signer| signer.verdict.is_ok()).collect())
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    bounded(data, 200, 2 << 20, || {
        let mut evidence = Evidence::from_der(data).unwrap_or_default();
        for piece in pieces(data, MARK) {
            if is_revocation_list(piece) {
                evidence.crls.push(piece.to_vec());
            }
            if is_ocsp_response(piece) {
                evidence.ocsp.push(piece.to_vec());
            }
        }
        // Beside the evidence of others, and beside Alice's signature.
        if let Ok(kept) = evidence.add_to(data) {
            let before = verdicts(data);
            // It may take away what it proves revoked, and gives nothing.
            let holds = |(before, after): (&bool, &bool)| *before || !*after;
            if let Some(before) = before {
                let after = verdicts(&kept).expect("it can be read as before");
                assert!(before.len() == after.len() && before.iter().zip(&after).all(holds));
            }
        }
        let Ok(kept) = evidence.add_to(seeds::opaque()) else { return };
        let verified =
            ready(smime::verify(&RustCrypto, &kept, None, &world.trust, NOW)).expect("it can be read");
        assert_eq!(&*verified.content, ENTITY);
        assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()), "{:?}", verified.signers);
        assert_eq!(links(&verified).len(), 2);
        // As it came, whatever it is: refused, or read again. More than a few would take long.
        for piece in pieces(data, MARK).into_iter().take(4) {
            let raw = piece.to_vec();
            let list = Evidence { crls: vec![raw.clone()], ..Evidence::default() };
            let response = Evidence { ocsp: vec![raw], ..Evidence::default() };
            for evidence in [list, response] {
                if let Ok(kept) = evidence.add_to(seeds::opaque()) {
                    assert_eq!(verdicts(&kept).as_deref(), Some(&[true][..]));
                }
            }
        }
    });
});
