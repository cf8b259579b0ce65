//! Every byte of a small message of each form, changed, cut, doubled and moved: never a better status, never
//! another text under the same signature, never a panic.

use smime::message::{Draft, Layer, Opened, SealOptions, Status, seal, seal_at_door};
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{TimestampAuthority, check_response, request};
use smime::{ContentEncryption, Hash, Provider, block_on_ready};

use crate::people::{NOW, World, letter, rng};

const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nHi.\r\n";
const OUTER: &str = "From: alice@a.example\r\nSubject: S\r\n";

/// The changes of one place; the first is made at every byte, and the others in turn.
const CHANGES: [fn(&mut Vec<u8>, usize); 8] = [
    |message, at| message[at] ^= 0x01,
    |message, at| message[at] ^= 0x20,
    |message, at| message.truncate(at),
    |message, at| message.insert(at, message[at]),
    |message, at| message[at] ^= 0x80,
    |message, at| {
        message.remove(at);
    },
    |message, at| {
        let block = message[at..(at + 64).min(message.len())].to_vec();
        message.splice(at..at, block);
    },
    |message, at| {
        let next = (at + 1) % message.len();
        message.swap(at, next);
    },
];

/// `SEALPOST_EVERY_CHANGE` asks for all of them at every byte.
fn changes(at: usize) -> Vec<usize> {
    if std::env::var_os("SEALPOST_EVERY_CHANGE").is_some() {
        return (0..CHANGES.len()).collect();
    }
    let others = CHANGES.len() - 1;
    vec![0, 1 + at % others]
}

fn is_signed(opened: &Opened) -> bool {
    matches!(opened.status, Status::Verified | Status::Confidential)
}

fn is_encrypted(opened: &Opened) -> bool {
    matches!(opened.status, Status::Confidential | Status::EncryptedUnverified)
}

/// Text, HTML, type and octets of each part, authors.
type Shown = (Option<String>, Option<String>, Vec<(String, Vec<u8>)>, Vec<String>);

/// What a reader is shown.
fn shown(opened: &Opened) -> Shown {
    let parts = opened.parts.iter().map(|part| (part.media_type.clone(), part.data.clone())).collect();
    let from = opened.headers.from.iter().map(|author| author.email.to_ascii_lowercase()).collect();
    (opened.text(), opened.html(), parts, from)
}

/// Changes the message and checks that what still counts is what was signed or sealed.
fn survive(world: &World, message: &[u8], header_is_signed: bool) {
    let whole = world.open(message);
    assert!(is_signed(&whole), "the message itself is good: {:?}", whole.signers);
    for at in 0..message.len() {
        for change in changes(at) {
            let mut changed = message.to_vec();
            CHANGES[change](&mut changed, at);
            let Ok(opened) = world.try_open(&changed) else { continue };
            judge(&opened, &whole, header_is_signed, &format!("byte {at}, change {change}"));
        }
    }
}

fn judge(opened: &Opened, whole: &Opened, header_is_signed: bool, place: &str) {
    if is_signed(opened) {
        assert_eq!(shown(opened), shown(whole), "{place}");
        assert!(!header_is_signed || opened.headers.subject == whole.headers.subject, "{place}");
        let signer = |opened: &Opened| {
            let signer = opened.signers.iter().find(|signer| signer.valid).unwrap();
            (signer.certificate.clone(), signer.emails.clone(), signer.signed_at)
        };
        assert_eq!(signer(opened), signer(whole), "{place}");
    }
    // Encryption that was not the author's cannot become so.
    assert!(!is_encrypted(opened) || is_encrypted(whole), "{place}");
    assert!(!opened.sealed_at_door || whole.sealed_at_door, "{place}");
    let authenticated = opened
        .layers
        .iter()
        .any(|layer| matches!(layer, Layer::Encrypted { cipher, .. } if cipher.is_authenticated()));
    assert!(!authenticated || shown(opened).0 == shown(whole).0, "{place}");
    // A stamp says the time that its authority said, or nothing.
    for signer in &opened.signers {
        let time = signer.timestamp.as_ref().and_then(|stamp| stamp.time);
        assert!(time.is_none_or(|time| time == NOW), "{place}");
    }
}

fn small() -> Draft {
    Draft { cc: Vec::new(), text: "Hi.\n".to_owned(), ..letter() }
}

#[test]
fn of_a_message_that_is_signed_beside_its_content() {
    let world = World::new();
    survive(&world, &world.sign(OUTER, ENTITY, "alice"), false);
}

#[test]
fn of_a_message_that_is_signed_around_its_content() {
    let world = World::new();
    survive(&world, &world.sign_opaque(OUTER, ENTITY, "alice"), false);
}

#[test]
fn of_a_message_that_is_sealed_with_gcm() {
    let world = World::new();
    survive(&world, &world.seal(&small(), Some("alice"), &SealOptions::default()), true);
}

#[test]
fn of_a_message_that_is_sealed_with_cbc() {
    let world = World::new();
    let options = SealOptions { cipher: ContentEncryption::Aes256Cbc, ..SealOptions::default() };
    survive(&world, &world.seal(&small(), Some("alice"), &options), true);
}

#[test]
fn of_a_message_that_is_wrapped_three_times() {
    let world = World::new();
    let inner = world.sign("", ENTITY, "alice");
    survive(&world, &world.sign_opaque(OUTER, &world.encrypt("", &inner), "alice"), false);
}

#[test]
fn of_a_message_that_is_stamped() {
    let mut world = World::new();
    let authority = world.authority();
    let signer = world.signer("alice");
    let recipients = [world.person("bob").encryption.clone()];
    let stamp = async |signature: &[u8]| Some(token(&world, &authority, signature).await);
    let (options, draft) = (SealOptions::default(), small());
    let mut rng = rng();
    let sealed =
        seal(&RustCrypto, &world.keyring, &mut rng, &draft, Some(&signer), &recipients, &options, stamp);
    let message = block_on_ready(sealed).unwrap();
    assert_eq!(world.open(&message).signers[0].timestamp.as_ref().unwrap().time, Some(NOW));
    survive(&world, &message, true);
}

async fn token(world: &World, authority: &TimestampAuthority, signature: &[u8]) -> Vec<u8> {
    let digest = RustCrypto.digest(Hash::Sha256, signature).await.unwrap();
    let query = request(Hash::Sha256, &digest, 7);
    let answer = authority.respond(&RustCrypto, &world.keyring, &query, 9, NOW).await.unwrap();
    check_response(&RustCrypto, &answer, &digest, 7, &world.trust(), NOW).await.unwrap().der().to_vec()
}

#[test]
fn of_a_signed_message_that_was_sealed_at_the_door() {
    let world = World::new();
    let recipient = world.person("bob").encryption.clone();
    let signed = world.sign(OUTER, ENTITY, "alice");
    let mut rng = rng();
    let sealed = seal_at_door(&RustCrypto, &mut rng, &signed, &recipient, None);
    survive(&world, &block_on_ready(sealed).unwrap(), false);
}
