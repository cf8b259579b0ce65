//! SignedData and EnvelopedData: what counts as signed is what Alice signed, what authenticates is what was sealed.
#![no_main]

use fuzz::gullible::Gullible;
use fuzz::{MARK, NOW, World, bounded, pieces, seeds, world};
use libfuzzer_sys::fuzz_target;
use smime::rustcrypto::RustCrypto;
use smime::{Secret, block_on_ready as ready};

fn verify(world: &World, cms: &[u8], detached: Option<&[u8]>) {
    let Ok(verified) = ready(smime::verify(&RustCrypto, cms, detached, &world.trust, NOW)) else { return };
    for signer in verified.signers {
        if signer.verdict.is_ok() {
            assert!(seeds::SIGNED.contains(&&*verified.content), "something else counts as signed");
            assert_eq!(signer.certificate.as_ref(), Some(world.alices()));
            assert_eq!(signer.signing_time, Some(NOW));
        }
        if let Some(Ok(token)) = signer.timestamp.map(|stamp| stamp.token) {
            assert_eq!(token.time(), NOW);
        }
    }
}

fn decrypt(world: &World, cms: &[u8]) {
    if let Ok(opened) = ready(smime::decrypt(&RustCrypto, &world.keyring, &world.bob, cms))
        && opened.cipher.is_authenticated()
    {
        assert!(seeds::is_sealed_content(&opened.content), "something else authenticates");
    }
    let secrets = [Secret::Password("password"), Secret::Key { identifier: b"id", key: &[7; 32] }];
    for secret in secrets {
        let _ = ready(smime::decrypt_with_secret(&RustCrypto, secret, cms));
    }
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    let pieces = pieces(data, MARK);
    let (cms, detached) = (pieces[0], pieces.get(1).copied());
    bounded(data, 200, 1 << 20, || {
        smime::is_enveloped(cms);
        verify(world, cms, detached);
        decrypt(world, cms);
        // No verdict of this one means anything, but it must come to one.
        let _ = ready(smime::verify(&Gullible, cms, detached, &world.trust, NOW));
    });
});
