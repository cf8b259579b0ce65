//! Labels, requests for receipts and receipts, where every signature is believed: what is read is written alike.
#![no_main]

use fuzz::gullible::Gullible;
use fuzz::world::{ALICE, ENTITY};
use fuzz::{NOW, bounded, world};
use libfuzzer_sys::fuzz_target;
use smime::ess::sign_receipt;
use smime::rustcrypto::RustCrypto;
use smime::{SignOptions, SignedForm, block_on_ready as ready};

fuzz_target!(|data: &[u8]| {
    let world = world();
    let read = bounded(data, 200, 1 << 20, || ready(smime::verify(&Gullible, data, None, &world.trust, NOW)));
    let Ok(verified) = read else { return };
    let asked = verified.requested_receipt().cloned();
    if let Some(asked) = &asked {
        assert!(verified.receipt().is_none(), "a receipt asks for a receipt");
        asked.is_asked_of(&[ALICE.into()], &[]);
        assert!(asked.recipients(&[]).len() <= 16);
        let _ = asked.check(&verified);
        let receipt =
            ready(sign_receipt(&RustCrypto, &world.keyring, &world.alice, asked, NOW)).expect("a receipt");
        let receipt = receipt.to_der();
        let receipt =
            ready(smime::verify(&RustCrypto, &receipt, None, &world.trust, NOW)).expect("it can be read");
        assert!(asked.check(&receipt).is_ok(), "a receipt that was asked for is none");
    }
    let label = verified.label().ok().flatten().cloned();
    let options = SignOptions {
        label: label.clone(),
        receipt_request: asked.map(|asked| asked.request().clone()),
        ..SignOptions::default()
    };
    let (keyring, alice) = (&world.keyring, &world.alice);
    let again = smime::sign_with(&RustCrypto, keyring, alice, ENTITY, SignedForm::Opaque, NOW, &options);
    // What is read may be more than is written.
    let Ok(again) = ready(again) else { return };
    let again = again.to_der();
    let again = ready(smime::verify(&RustCrypto, &again, None, &world.trust, NOW)).expect("it can be read");
    assert_eq!(again.label(), Ok(label.as_ref()));
    let asked = again.requested_receipt().map(|asked| asked.request().clone());
    assert_eq!(asked, options.receipt_request);
});
