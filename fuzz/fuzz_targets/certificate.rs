//! One certificate, revocation list, request or key on its own.
#![no_main]

use fuzz::{NOW, bounded, world};
use libfuzzer_sys::fuzz_target;
use smime::path::{Purpose, Query, is_revocation_list, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, block_on_ready as ready, request};

fn read(certificate: &Certificate, der: &[u8]) {
    assert_eq!(certificate.der(), der);
    assert_eq!(Certificate::from_pem(&certificate.to_pem()).as_ref(), Ok(certificate));
    let _ = (certificate.subject(), certificate.issuer(), certificate.serial_hex(), certificate.sha256());
    let _ = (certificate.common_name(), certificate.organisation(), certificate.key_kind());
    let _ = (certificate.is_valid_at(NOW), certificate.can_sign(), certificate.can_encrypt());
    for email in certificate.emails() {
        assert!(email.contains('@') && !email.contains(['\r', '\n', '\0']), "{email:?} is no address");
    }
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    bounded(data, 100, 1 << 20, || {
        if let Ok(certificate) = Certificate::from_der(data) {
            read(&certificate, data);
            let query = Query::new(Purpose::Any, NOW);
            let known = &world.alice.chain;
            let path = validate(&RustCrypto, &certificate, &world.trust.anchors, known, &[], &query);
            if ready(path).is_ok() {
                let mut issued =
                    [&world.root.certificate].into_iter().chain(known).chain(&world.authority.signer.chain);
                let bobs = world.bobs();
                assert!(issued.any(|one| *one == certificate) || bobs.contains(&certificate), "a forgery");
            }
        }
        if let Ok(text) = std::str::from_utf8(data) {
            let _ = Certificate::all_from_pem(text);
        }
        is_revocation_list(data);
        if let Ok(request) = ready(request::verify(&RustCrypto, data)) {
            let _ = (request.emails(), request.common_name(), request.spki());
        }
    });
});
