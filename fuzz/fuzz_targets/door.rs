//! Mail in clear, sealed at the door: it opens to what came in, and shows nothing of it.
#![no_main]

use fuzz::rng::Fixed;
use fuzz::{NOW, bounded, world};
use libfuzzer_sys::fuzz_target;
use smime::block_on_ready as ready;
use smime::message::{Layer, needs_door, open, seal_at_door};
use smime::rustcrypto::RustCrypto;

fuzz_target!(|data: &[u8]| {
    // What is sealed already passes the door as it is.
    if !needs_door(data) {
        return;
    }
    let world = world();
    let recipient = &world.bob[0].certificate;
    let sealed = bounded(data, 100, 4 << 20, || {
        ready(seal_at_door(&RustCrypto, &mut Fixed(3), data, recipient, None))
    });
    let Ok(sealed) = sealed else { return };
    assert!(!needs_door(&sealed), "what was sealed would be sealed again");
    assert!(sealed.iter().all(|byte| byte.is_ascii()), "the outside is not ASCII");
    let inside = ready(open(&RustCrypto, &world.keyring, &world.bob, &world.trust, &sealed, NOW));
    let outside = ready(open(&RustCrypto, &world.keyring, &world.bob, &world.trust, data, NOW));
    match (inside, outside) {
        // A wrapper inside of a wrapper is a message like any other.
        (Ok(_), Ok(outside)) if outside.sealed_at_door => {}
        (Ok(inside), Ok(outside)) => {
            assert!(
                inside.sealed_at_door
                    || outside.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { .. }))
            );
            assert_eq!(inside.parts, outside.parts, "the parts differ");
            assert_eq!(inside.headers.subject, outside.headers.subject, "the subject differs");
        }
        (Ok(_), Err(_)) => panic!("it opens only through the door"),
        // One layer more may be one too many.
        (Err(smime::message::OpenError::TooManyLayers), _) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("it does not open any more: {error}"),
    }
});
