//! What a message of 25 MB costs in memory. Alone in its program, so that nothing else counts.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and speak")]

mod support;

use smime::message::{Address, Attachment, Draft, SealOptions, seal};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, ContentEncryption, SignedForm, Signer, block_on_ready as ready};
use support::{NOW, World, rng};

const SIZE: usize = 25 << 20;

/// A figure of /proc/self/status, in bytes.
#[cfg(target_os = "linux")]
fn memory(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// All that is made of a letter is made in the buffer of its file.
#[cfg(target_os = "linux")]
fn seal_a_letter(world: &World, signer: &Signer, recipients: &[Certificate]) {
    let mut data = Vec::with_capacity(Attachment::room(SIZE));
    data.resize(SIZE, b'x');
    let file = Attachment { name: "file".into(), data, ..Attachment::default() };
    let from = Address::new("signer@sealpost.example");
    let draft = Draft { from, date: NOW, attachments: vec![file], ..Draft::default() };
    let before = memory("VmRSS") - SIZE;
    let (options, mut rng) = (SealOptions::default(), rng());
    let (keyring, none) = (&world.keyring, async |_: &[u8]| None);
    let sealed = seal(&RustCrypto, keyring, &mut rng, draft, Some(signer), recipients, &options, none);
    let sealed = ready(sealed).unwrap();
    let peak = memory("VmHWM") - before;
    println!("letter: peak of {:.2} times what is sent", peak as f64 / sealed.len() as f64);
    assert!(peak < sealed.len() + SIZE / 4, "{peak}");
}

#[cfg(target_os = "linux")]
#[test]
fn twenty_five_megabytes_are_held_at_most_three_times() {
    let Some(mut world) = World::with(&["openssl"], "twenty_five_megabytes_are_held_at_most_three_times")
    else {
        return;
    };
    let signer = world.signer("signer", "P-256");
    let reader = world.reader("reader", "P-256");
    let recipients = std::slice::from_ref(&reader.certificate);
    seal_a_letter(&world, &signer, recipients);
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
        let content = vec![b'x'; SIZE];
        let before = memory("VmRSS") - SIZE;
        let signed =
            ready(smime::sign(&RustCrypto, &world.keyring, &signer, &content, SignedForm::Opaque, NOW))
                .unwrap()
                .to_der();
        drop(content);
        let sealed = ready(smime::encrypt(&RustCrypto, &mut rng(), &signed, recipients, cipher)).unwrap();
        drop(signed);
        let keys = std::slice::from_ref(&reader);
        let opened = ready(smime::decrypt(&RustCrypto, &world.keyring, keys, &sealed)).unwrap();
        drop(sealed);
        let verified = ready(smime::verify(&RustCrypto, &opened.content, None, &world.trust, NOW)).unwrap();
        assert_eq!(verified.content.len(), SIZE);
        assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()));
        let peak = memory("VmHWM") - before;
        println!("{cipher:?}: peak of {:.2} times the content", peak as f64 / SIZE as f64);
        assert!(peak < 3 * SIZE + SIZE / 4, "{peak}");
    }
}
