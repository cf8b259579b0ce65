//! Timestamp requests and responses, from either side.
#![no_main]

use fuzz::{NOW, bounded, seeds, world};
use libfuzzer_sys::fuzz_target;
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{check_response, parse_request, verify_token};
use smime::{Provider, block_on_ready as ready};

fuzz_target!(|data: &[u8]| {
    let world = world();
    bounded(data, 100, 1 << 20, || {
        let asked = parse_request(data);
        let answer = world.authority.respond(&RustCrypto, &world.keyring, data, 9, NOW);
        let answer = ready(answer).expect("an authority always answers");
        if let Ok(asked) = asked {
            let size = ready(RustCrypto.digest(asked.hash, b"")).map(|digest| digest.len());
            assert_eq!(size, Ok(asked.digest.len()), "a digest of another length than its hash's");
        }
        // Without the nonce it is nobody's answer, whatever it says.
        let _ = ready(check_response(&RustCrypto, &answer, &[0; 32], 1, &world.trust, NOW));
        for stamped in [seeds::STAMPED, b"something else"] {
            if let Ok(token) = ready(verify_token(&RustCrypto, data, stamped, &world.trust, NOW)) {
                assert_eq!((token.time(), stamped), (NOW, seeds::STAMPED));
            }
        }
        let digest = seeds::stamped_digest();
        if let Ok(token) = ready(check_response(&RustCrypto, data, &digest, seeds::NONCE, &world.trust, NOW))
        {
            assert_eq!(token.time(), NOW);
        }
    });
});
