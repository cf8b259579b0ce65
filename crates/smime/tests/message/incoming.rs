//! What comes in piece by piece is what it is as a whole.

use smime::block_on_ready;
use smime::message::{Attachment, Draft, Incoming, Opened, SealOptions, open};
use smime::rustcrypto::RustCrypto;

use crate::people::{NOW, World, letter};

fn in_pieces(world: &World, message: &[u8], length: usize) -> String {
    let mut incoming = Incoming::expecting(message.len());
    message.chunks(length).for_each(|piece| incoming.push(piece));
    let (keys, trust) = (world.keys("bob"), world.trust());
    told(&block_on_ready(open(&RustCrypto, &world.keyring, &keys, &trust, incoming, NOW)))
}

fn told(outcome: &Result<Opened, smime::message::OpenError>) -> String {
    format!("{outcome:?}")
}

/// With a file, so that an object is begun before all of it is there.
fn long_letter() -> Draft {
    let data = (0..60_000_u32).map(|at| ((at * 31) >> 3) as u8).collect();
    Draft { attachments: vec![Attachment { data, ..Attachment::default() }], ..letter() }
}

#[test]
fn a_message_in_pieces_opens_as_a_whole_one_does() {
    let world = World::new();
    let sealed = world.seal(&long_letter(), Some("alice"), &SealOptions::default());
    let entity = format!("Content-Type: text/plain\r\n\r\n{}\r\n", "A line of text.\r\n".repeat(4000));
    let encrypted = world.encrypt("From: alice@a.example\r\n", entity.as_bytes());
    let text = String::from_utf8(sealed.clone()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let mut damaged = sealed.clone();
    let middle = damaged.len() / 2;
    damaged[middle] = if damaged[middle] == b'A' { b'B' } else { b'A' };
    let messages = [
        ("sealed", sealed.clone()),
        ("with lines of LF", text.replace("\r\n", "\n").into_bytes()),
        ("encrypted alone", encrypted),
        ("damaged", damaged),
        ("cut off", sealed[..sealed.len() / 3].to_vec()),
        ("with something behind it", [&sealed[..], b"A list's footer, and words\r\n"].concat()),
        ("named by its file alone", changed("application/pkcs7-mime", "application/octet-stream")),
        ("without a transfer encoding", changed("Content-Transfer-Encoding: base64\r\n", "")),
        ("of another type", changed("application/pkcs7-mime", "application/pdf")),
        ("signed in the open", world.sign("From: alice@a.example\r\n", entity.as_bytes(), "alice")),
        ("signed opaquely", world.sign_opaque("From: alice@a.example\r\n", entity.as_bytes(), "alice")),
        ("in clear", ["From: alice@a.example\r\n", &entity].concat().into_bytes()),
        ("a header without end", vec![b'x'; 40_000]),
        ("short", b"From: a@b.example\r\n\r\nHello".to_vec()),
        ("empty", Vec::new()),
    ];
    for (what, message) in &messages {
        let whole = told(&world.try_open(message));
        for length in [500, 16 * 1024, 65_537, usize::MAX] {
            assert_eq!(in_pieces(&world, message, length), whole, "{what}, in pieces of {length}");
        }
    }
}

#[test]
fn a_length_that_was_a_lie_changes_nothing() {
    let world = World::new();
    let sealed = world.seal(&long_letter(), Some("alice"), &SealOptions::default());
    let whole = told(&world.try_open(&sealed));
    for said in [0, 1, sealed.len() * 3, usize::MAX] {
        let mut incoming = Incoming::expecting(said);
        sealed.chunks(30_000).for_each(|piece| incoming.push(piece));
        let (keys, trust) = (world.keys("bob"), world.trust());
        let opened = block_on_ready(open(&RustCrypto, &world.keyring, &keys, &trust, incoming, NOW));
        assert_eq!(told(&opened), whole, "{said}");
    }
}
