//! Mail that comes in readable.

use smime::{
    block_on_ready,
    message::{Layer, SealOptions, Status, needs_door, seal_at_door},
    rustcrypto::RustCrypto,
};

use crate::people::{World, letter, rng};

const CLEAR: &str = "Received: from x\r\nFrom: =?utf-8?B?5p6X54ix?= <alice@a.example>\r\nTo: Bob <bob@b.example>\r\n\
Subject: A readable canary\r\nX-Secret: canary\r\nDate: Thu, 1 Jan 2026 01:00:00 +0100\r\nMessage-ID: <m1@a.example>\r\n\
References: <r1@a.example>\r\n <r2@a.example>\r\n\r\nThe canary sings.\r\n";

fn at_door(world: &World, original: &[u8]) -> Vec<u8> {
    let recipient = world.person("bob").encryption.clone();
    let results = Some("mx.b.example; spf=pass");
    block_on_ready(seal_at_door(&RustCrypto, &mut rng(), original, &recipient, results)).unwrap()
}

#[test]
fn what_is_stored_shows_nothing_readable() {
    let world = World::new();
    let sealed = String::from_utf8(at_door(&world, CLEAR.as_bytes())).unwrap();
    assert!(!sealed.to_lowercase().contains("canary"));
    for kept in [
        "alice@a.example",
        "Subject: [...]",
        "<m1@a.example>",
        "<r1@a.example> <r2@a.example>",
        "00:00:00 +0000",
    ] {
        assert!(sealed.contains(kept), "{kept} in {sealed}");
    }
    assert!(!needs_door(sealed.as_bytes()));
}

#[test]
fn a_message_sealed_at_the_door_is_not_its_authors_seal() {
    let world = World::new();
    let opened = world.open(&at_door(&world, CLEAR.as_bytes()));
    assert!(opened.sealed_at_door);
    assert_eq!(opened.door_results.as_deref(), Some("mx.b.example; spf=pass"));
    assert_eq!(opened.status, Status::Unprotected);
    assert_eq!(opened.headers.subject, "A readable canary");
    assert_eq!(opened.text().as_deref(), Some("The canary sings.\r\n"));
    assert!(opened.headers.from_mismatch.is_none());
    assert!(matches!(opened.layers.as_slice(), [Layer::Encrypted { .. }, Layer::SealedAtDoor]));
}

#[test]
fn a_wrapper_that_names_another_author_is_no_proof() {
    let world = World::new();
    let original = "From: Boss <boss@gov.example>\r\nSubject: s\r\n\r\nPay.\r\n";
    let wrapper = format!(
        "Content-Type: message/rfc822; sealpost-door=clear\r\nAuthentication-Results: relay; dkim=pass\r\n\r\n{original}"
    );
    for outer in ["From: mallory@evil.example\r\n", "", "From: boss@gov.example, x@evil.example\r\n"] {
        let opened = world.open(&world.encrypt(outer, wrapper.as_bytes()));
        let mismatch = opened.headers.from_mismatch.unwrap();
        assert_eq!(mismatch.inner[0].email, "boss@gov.example");
        assert_eq!(opened.headers.from, mismatch.outer);
    }
    let honest = world.open(&at_door(&world, original.as_bytes()));
    assert_eq!(
        (honest.headers.from_mismatch, honest.headers.from[0].email.as_str()),
        (None, "boss@gov.example")
    );
}

#[test]
fn what_was_signed_in_clear_still_verifies() {
    let world = World::new();
    let outer = "From: alice@a.example\r\nSubject: Signed\r\n";
    let message = world.sign(outer, b"Content-Type: text/plain\n\nUnix lines.\n", "alice");
    let opened = world.open(&at_door(&world, &message));
    assert!(opened.sealed_at_door);
    assert_eq!(opened.status, Status::Verified);
    // The author's own encryption, wrapped because its header told too much, stays the author's.
    let inner = world.sign("", b"Content-Type: text/plain\r\n\r\nSecret.\r\n", "alice");
    let sealed = world.encrypt("From: alice@a.example\r\nSubject: Telling\r\n", &inner);
    assert!(needs_door(&sealed));
    let opened = world.open(&at_door(&world, &sealed));
    assert_eq!((opened.sealed_at_door, opened.status), (false, Status::Confidential));
    assert!(opened.layers.contains(&Layer::SealedAtDoor));
}

#[test]
fn a_wrapper_inside_a_signature_is_no_wrapper() {
    let world = World::new();
    let wrapper = format!("Content-Type: message/rfc822; sealpost-door=clear\r\n\r\n{CLEAR}");
    let message = world.encrypt("From: alice@a.example\r\n", &world.sign("", wrapper.as_bytes(), "alice"));
    let opened = world.open(&message);
    assert!(!opened.sealed_at_door);
    assert_eq!(opened.status, Status::Confidential);
    assert_eq!(opened.parts[0].media_type, "message/rfc822");
}

#[test]
fn only_a_message_that_shows_nothing_passes_the_door_as_it_is() {
    let world = World::new();
    let sealed = world.seal(&letter(), Some("alice"), &SealOptions::default());
    assert!(!needs_door(&sealed));
    let text = String::from_utf8(sealed).unwrap();
    let relayed = format!("Received: from a\r\n\tby b\r\nReturn-Path: <x@y>\r\nTLS-Required: No\r\n{text}");
    assert!(!needs_door(relayed.as_bytes()));
    for (from, to) in [
        ("Subject: [...]", "Subject: The plan"),
        ("Subject: [...]", "Subject: [...]\r\nX-Note: the plan"),
        ("Subject: [...]", "Subject: [...]\r\nKeywords: plan"),
        ("Subject: [...]", "Subject: [...]\r\nTLS-Required: plan"),
        ("name=\"smime.p7m\"", "name=\"the plan.p7m\""),
        ("MIME-Version: 1.0", "MIME-Version: 1.0\r\nContent-Description: the plan"),
        ("application/pkcs7-mime", "text/plain"),
        ("\r\n\r\nM", "\r\n\r\nThe plan:\r\nM"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(needs_door(changed.as_bytes()), "{to}");
    }
    let outer = "From: alice@a.example\r\nSubject: [...]\r\nMIME-Version: 1.0\r\n";
    assert!(needs_door(&world.sign_opaque(outer, b"Content-Type: text/plain\r\n\r\nReadable.\r\n", "alice")));
    assert!(needs_door(CLEAR.as_bytes()) && needs_door(b"") && needs_door(b"\xff\x00:"));
}
