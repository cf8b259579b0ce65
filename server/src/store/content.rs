use std::cell::RefCell;
use std::io;

use zstd::bulk::Compressor;

/// The bytes of a small blob as they are kept.
///
/// Sealed mail comes as base64 of ciphertext, of which Zstandard takes back the quarter that base64 adds;
/// that is less to write and to sync. What does not shrink is kept as it is.
#[derive(Debug, Clone)]
pub struct Content {
    /// What is kept.
    pub bytes: Vec<u8>,
    /// Whether that is packed.
    pub packed: bool,
}

/// The fastest level that codes single octets, which is where base64 gives.
const LEVEL: i32 = 1;

impl Content {
    /// Packs bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        match pack(&bytes) {
            Ok(packed) if packed.len() < bytes.len() => Self { bytes: packed, packed: true },
            _ => Self { bytes, packed: false },
        }
    }

    /// The bytes again; `size` is how many there were, and none are made beyond that.
    ///
    /// What cannot be unpacked comes as it is: it is not what its name says, as whoever compares the two
    /// will see.
    pub fn open(self, size: i64) -> Vec<u8> {
        let room = usize::try_from(size).unwrap_or_default().min(MOST);
        let opened = self.packed.then(|| zstd::bulk::decompress(&self.bytes, room).ok()).flatten();
        opened.unwrap_or(self.bytes)
    }
}

/// Packs with the tables of the last time: to make them anew takes longer than to pack a letter.
fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    thread_local! {
        static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = Some(Compressor::new(LEVEL)?);
        }
        packer.as_mut().map_or_else(|| zstd::bulk::compress(bytes, LEVEL), |packer| packer.compress(bytes))
    })
}

/// More than any blob that is kept in the database, whatever a damaged row says.
const MOST: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_takes_a_fifth_less_and_comes_back_whole() {
        let text = crate::base64_text(&crate::random::bytes::<8192>()).into_bytes();
        let content = Content::of(text.clone());
        assert!(content.packed && content.bytes.len() * 5 < text.len() * 4);
        assert_eq!(content.open(i64::try_from(text.len()).unwrap()), text);
    }

    #[test]
    fn what_does_not_shrink_is_kept_as_it_is() {
        let bytes = crate::random::bytes::<8192>().to_vec();
        let content = Content::of(bytes.clone());
        assert!(!content.packed);
        assert_eq!(content.open(8192), bytes);
    }

    #[test]
    fn damaged_bytes_stay_within_the_size_and_are_not_the_bytes() {
        let bytes = vec![b'a'; 60_000];
        let content = Content::of(bytes.clone());
        assert!(content.clone().open(59_999) != bytes);
        let mut damaged = content;
        damaged.bytes.truncate(8);
        assert!(damaged.open(60_000).len() < 60_000);
    }
}
