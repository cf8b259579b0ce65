//! Evidence beside a signature: whatever is put there, the signature stays what it was.
#![no_main]

use fuzz::world::ENTITY;
use fuzz::{MARK, NOW, bounded, pieces, seeds, world};
use libfuzzer_sys::fuzz_target;
use smime::block_on_ready as ready;
use smime::evidence::{Evidence, links};
use smime::path::{is_ocsp_response, is_revocation_list};
use smime::rustcrypto::RustCrypto;

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
        let _ = evidence.add_to(data);
        let Ok(kept) = evidence.add_to(seeds::opaque()) else { return };
        let verified =
            ready(smime::verify(&RustCrypto, &kept, None, &world.trust, NOW)).expect("it can be read");
        assert_eq!(&*verified.content, ENTITY);
        assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()), "{:?}", verified.signers);
        assert_eq!(links(&verified).len(), 2);
    });
});
