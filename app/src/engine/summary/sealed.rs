//! Summaries as they lie at the relay: under a key that only the owner's browsers have, bound to their
//! message, and all of one length.

use smime::{ContentEncryption, Provider};
use zeroize::Zeroizing;

use super::{Content, MAX_BYTES};

/// What [`super::super::account`] binds the key of summaries to, which it derives from the vault key.
pub const KEY_INFO: &[u8] = b"sealpost summary key 1";

/// The format; anything else is left alone.
const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
const CIPHER: ContentEncryption = ContentEncryption::Aes256Gcm;

/// 32 bytes; wiped when dropped.
pub type SummaryKey = Zeroizing<[u8; 32]>;

/// What a list knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there are few at a time, and nearly all are known")]
pub enum Sight {
    /// What it says.
    Known(Content),
    /// It did not open. Kept like a summary: a relay that changes a message and watches must not learn from
    /// a missing summary how far its decryption went.
    Damaged,
}

/// The message that a summary stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its blob, whose id the relay derives from its bytes.
    pub blob: &'a str,
    /// Its size in bytes.
    pub size: u64,
}

impl Place<'_> {
    fn label(&self) -> Vec<u8> {
        format!("sealpost summary {VERSION} {} {}", self.size, self.blob).into_bytes()
    }
}

/// Seals a summary: the format's byte, the nonce, ciphertext and tag.
pub async fn seal(
    provider: &impl Provider,
    key: &SummaryKey,
    nonce: [u8; NONCE],
    place: &Place<'_>,
    sight: &Sight,
) -> Option<Vec<u8>> {
    let mut plain = match sight {
        Sight::Known(content) => content.encode(),
        Sight::Damaged => b"null".to_vec(),
    };
    // JSON may end in spaces.
    plain.resize(MAX_BYTES, b' ');
    let sealed = provider.encrypt(CIPHER, key.as_slice(), &nonce, &place.label(), &plain).await.ok()?;
    Some([&[VERSION], nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] made for this place; none for anything else.
pub async fn open(
    provider: &impl Provider,
    key: &SummaryKey,
    place: &Place<'_>,
    sealed: &[u8],
) -> Option<Sight> {
    let (version, sealed) = sealed.split_first()?;
    if *version != VERSION || sealed.len() != NONCE + MAX_BYTES + TAG {
        return None;
    }
    let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
    let (ciphertext, tag) = sealed.split_at_checked(MAX_BYTES)?;
    let plain =
        provider.decrypt(CIPHER, key.as_slice(), nonce, &place.label(), ciphertext, tag).await.ok()?;
    match plain.trim_ascii_end() {
        b"null" => Some(Sight::Damaged),
        content => Content::decode(content).map(Sight::Known),
    }
}

#[cfg(test)]
mod tests {
    use smime::block_on_ready;
    use smime::rustcrypto::RustCrypto;
    use zeroize::Zeroizing;

    use super::{Place, Sight, SummaryKey, open, seal};
    use crate::engine::summary::Content;
    use crate::protocol::Status;

    const PLACE: Place<'_> = Place { blob: "b1", size: 10 };

    fn key(fill: u8) -> SummaryKey {
        Zeroizing::new([fill; 32])
    }

    fn sight(subject: &str) -> Sight {
        Sight::Known(Content::new(subject, "text", &[], Status::Confidential, [&[], &[]]))
    }

    fn sealed(sight: &Sight) -> Vec<u8> {
        block_on_ready(seal(&RustCrypto, &key(7), [1; 12], &PLACE, sight)).unwrap()
    }

    #[test]
    fn a_summary_opens_beside_its_message_alone() {
        let sealed = sealed(&sight("主题"));
        let read =
            |key: u8, place: Place<'_>| block_on_ready(open(&RustCrypto, &self::key(key), &place, &sealed));
        assert_eq!(read(7, PLACE), Some(sight("主题")));
        assert_eq!(read(8, PLACE), None);
        assert_eq!(read(7, Place { blob: "b2", ..PLACE }), None);
        assert_eq!(read(7, Place { size: 11, ..PLACE }), None);
    }

    #[test]
    fn what_is_changed_or_of_another_format_counts_as_none() {
        let good = sealed(&sight("s"));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(block_on_ready(open(&RustCrypto, &key(7), &PLACE, &bad)), None, "byte {at}");
        }
        for other in [b"".as_slice(), &[1], &good[..good.len() - 1], b"\x30\x82\x01\x00"] {
            assert_eq!(block_on_ready(open(&RustCrypto, &key(7), &PLACE, other)), None);
        }
    }

    #[test]
    fn every_summary_is_as_long_as_one_of_a_damaged_message() {
        let damaged = sealed(&Sight::Damaged);
        assert_eq!(block_on_ready(open(&RustCrypto, &key(7), &PLACE, &damaged)), Some(Sight::Damaged));
        for subject in ["", "s", &"印".repeat(10_000)] {
            assert_eq!(sealed(&sight(subject)).len(), damaged.len());
        }
    }
}
