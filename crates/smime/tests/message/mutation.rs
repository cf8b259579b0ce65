//! Random mails, and random damage to real ones: never a panic, never a status that nobody earned.

use smime::message::{Status, needs_door};

use crate::{
    corpus::folder,
    people::World,
    round_trip::{Random, messages},
};

#[test]
fn random_messages_never_panic() {
    let world = World::new();
    let pieces: [&[u8]; 24] = [
        b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n",
        b"Content-Type: application/pkcs7-mime; name=\"smime.p7m\"\r\n",
        b"Content-Type: multipart/mixed; boundary=\"b\"\r\n",
        b"Content-Type: message/rfc822; sealpost-door=clear\r\n",
        b"Content-Type: text/html; charset=iso-2022-jp; hp-legacy-display=1\r\n",
        b"Content-Type: text/plain; hp=\"cipher\"; charset*=''%ff\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"HP-Outer: Subject: [...]\r\n",
        b"From: =?gb2312?B?xOM=?= <a@b>, c: d@e;\r\n",
        b"Subject: =?utf-8?q?=ff=?= =?x?y?z?=\r\n",
        b"Date: Thu, 32 Foo 99999 25:61:61 +9999\r\n",
        b"References: <a@b> <\xff@> <<>>\r\n",
        b"\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\n",
        b" folded\r\n",
        b"\xff\xfe\x00",
        b"MIIB",
        b"=3D=\r\n",
        b"<div class=header-protection-legacy-display>",
        b"begin 644 x\r\n",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut message = Vec::new();
        for _ in 0..(state % 24) {
            // xorshift: the same messages every time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            message.extend_from_slice(pieces[(state >> 32) as usize % pieces.len()]);
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        needs_door(&message);
        if let Ok(opened) = world.try_open(&message) {
            assert_eq!(opened.status, Status::Unprotected);
            let _ = (opened.text(), opened.html(), opened.headers.reply_addresses());
        }
    }
}

#[test]
fn damaged_messages_of_the_corpora_never_panic() {
    const TEST: &str = "damaged_messages_of_the_corpora_never_panic";
    let (world, mut found, mut random) = (World::new(), Vec::new(), Random(0x1234_5678_9abc_def1));
    let corpora =
        ["cpython-email", "ruby-mail", "jsmime", "mail-parser-eml", "mime4j", "thunderbird-smime", "rfc9788"];
    for corpus in corpora {
        let Some(folder) = folder(corpus, TEST) else { return };
        messages(&folder, &mut found);
    }
    for message in found.iter().filter(|message| (1..20_000).contains(&message.len())) {
        for _ in 0..60 {
            let mut changed = message.clone();
            for _ in 0..=random.next(6) {
                let at = random.next(changed.len());
                match random.next(4) {
                    0 => changed[at] = random.next(256) as u8,
                    1 => changed.truncate(at + 1),
                    2 => drop(changed.drain(at..(at + random.next(40)).min(changed.len()))),
                    _ => {
                        let from = random.next(message.len());
                        let piece = message[from..(from + random.next(200)).min(message.len())].to_vec();
                        changed.splice(at..at, piece);
                    }
                }
                if changed.is_empty() {
                    changed.push(b'\n');
                }
            }
            needs_door(&changed);
            if let Ok(opened) = world.try_open(&changed) {
                assert_eq!(opened.status, Status::Unprotected);
                let _ = (opened.text(), opened.html(), opened.headers.reply_addresses());
            }
        }
    }
}
