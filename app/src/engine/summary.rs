//! What a list shows of a message, sealed by its owner and kept beside it at the relay.

mod sealed;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::protocol::{Address, Given, Status};

pub use sealed::{KEY_INFO, Place, Sight, SummaryKey, open, seal};

/// The length of every summary before it is sealed; the relay takes 4096, and lists carry two hundred.
const MAX_BYTES: usize = 1280;

const SUBJECT: usize = 240;
const PREVIEW: usize = 180;
const NAMES: usize = 8;
const NAME: usize = 80;
const ADDRESSES: usize = 4;
const ADDRESS: usize = 120;
/// Receipts that a summary tells of; those beyond are seen in the inbox alone.
const GIVEN: usize = 8;

/// A summary in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The sealed subject.
    pub subject: String,
    /// The beginning of the text.
    pub preview: String,
    /// Names of attachments.
    pub attachments: Vec<String>,
    /// The verdict.
    pub status: Status,
    /// The authors.
    pub from: Vec<Address>,
    /// The first of the people addressed.
    pub to: Vec<Address>,
    /// The SHA-256 of the sealed message (hex), if its owner wrote it as a draft: nobody signs drafts, and
    /// anybody could seal one to the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// In a letter of the owner's: receipts are asked for in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// It is a receipt; the subject is that of the letter it is for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub receipt: bool,
}

/// Receipts that the owner asked for (RFC 2634).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The signedContentIdentifier, by which a receipt finds its letter; empty in a draft.
    pub identifier: String,
    /// What they are held against (base64), where the owner's copy bears another signature than what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The first receipts that came.
    pub given: Vec<Given>,
}

impl Content {
    /// Cuts everything to the size of a list row.
    pub fn new(
        subject: &str,
        text: &str,
        attachments: &[String],
        status: Status,
        [from, to]: [&[Address]; 2],
    ) -> Self {
        Self {
            subject: cut(subject, SUBJECT),
            preview: cut(&preview(text), PREVIEW),
            attachments: attachments.iter().take(NAMES).map(|name| cut(name, NAME)).collect(),
            status,
            from: addresses(from),
            to: addresses(to),
            draft: None,
            asked: None,
            receipt: false,
        }
    }

    /// Notes a receipt; tells whether it was new and there was room.
    pub fn note(&mut self, given: Given) -> bool {
        let Some(asked) = &mut self.asked else { return false };
        let given = Given { who: cut(&given.who, NAME), ..given };
        let new = asked.given.len() < GIVEN && !asked.given.iter().any(|known| known.who == given.who);
        if new {
            asked.given.push(given);
        }
        new
    }

    /// Whether the owner wrote the message of this digest as a draft.
    pub fn is_draft(&self, digest: &str) -> bool {
        self.draft.as_deref() == Some(digest)
    }

    /// The bytes to be sealed; what matters least goes first where they are too many.
    pub fn encode(&self) -> Vec<u8> {
        let mut content = self.clone();
        loop {
            // Plain data always serialises.
            let bytes = serde_json::to_vec(&content).unwrap_or_default();
            if bytes.len() <= MAX_BYTES {
                return bytes;
            }
            content.shrink();
        }
    }

    /// Reads what [`Self::encode`] wrote; none for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        json::read(bytes.get(..bytes.len().min(MAX_BYTES))?)
    }

    /// Gives something up; every round makes it shorter until nothing is left.
    fn shrink(&mut self) {
        if self.attachments.len() > 2 || self.to.len() > 1 {
            self.attachments.truncate(2);
            self.to.truncate(1);
        } else if !self.preview.is_empty() {
            self.preview = cut(&self.preview, self.preview.chars().count() / 2);
        } else {
            self.attachments.clear();
            self.to.clear();
            self.from.truncate(1);
            self.asked.iter_mut().for_each(|asked| asked.given.truncate(1));
            self.subject = cut(&self.subject, self.subject.chars().count() / 2);
        }
    }
}

/// The text on one line, without what it quotes.
fn preview(text: &str) -> String {
    let own = text.lines().filter(|line| !line.starts_with('>')).take(40);
    let words = own.flat_map(str::split_whitespace).take(PREVIEW);
    words.collect::<Vec<_>>().join(" ")
}

fn addresses(list: &[Address]) -> Vec<Address> {
    let short = |address: &Address| Address {
        name: address.name.as_deref().map(|name| cut(name, NAME)),
        email: cut(&address.email, ADDRESS),
    };
    list.iter().take(ADDRESSES).map(short).collect()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::{Asked, Content, MAX_BYTES};
    use crate::protocol::{Address, Given, Status, UnixTime};

    fn person(name: &str) -> Address {
        Address { name: Some(name.into()), email: "a@b.example".into() }
    }

    #[test]
    fn a_summary_survives_and_leaves_quotes_out() {
        let files = ["图.png".to_owned()];
        let people = [person("林爱")];
        let text = "Dear  Bob,\n> quoted\n\nsee\tyou";
        let content = Content::new("主题", text, &files, Status::Confidential, [&people, &people]);
        let read = Content::decode(&content.encode()).unwrap();
        assert_eq!(read, content);
        assert_eq!(read.preview, "Dear Bob, see you");
    }

    #[test]
    fn however_much_a_message_holds_its_summary_fits() {
        for letter in ["印", "\"", "\u{1F600}", "a"] {
            let long = letter.repeat(100_000);
            let people = vec![person(&long); 500];
            let files = vec![long.clone(); 500];
            let content = Content::new(&long, &long, &files, Status::Unprotected, [&people, &people]);
            let bytes = content.encode();
            assert!(bytes.len() <= MAX_BYTES);
            assert!(!Content::decode(&bytes).unwrap().subject.is_empty());
        }
    }

    #[test]
    fn a_reader_is_noted_once_and_only_where_receipts_were_asked_for() {
        let given = |who: &str| Given { who: who.into(), at: UnixTime(1) };
        let mut content = Content::new("s", "t", &[], Status::Confidential, [&[], &[]]);
        assert!(!content.note(given("Bob")));
        content.asked = Some(Asked::default());
        assert!(content.note(given("Bob")) && !content.note(given("Bob")));
        for reader in 0..100 {
            content.note(given(&format!("{reader}{}", "印".repeat(1000))));
        }
        let read = Content::decode(&content.encode()).unwrap();
        assert!(read.asked.is_some_and(|asked| asked.given[0] == given("Bob")));
    }

    #[test]
    fn a_draft_is_one_by_its_own_bytes_alone() {
        let mut content = Content::new("s", "t", &[], Status::EncryptedUnverified, [&[], &[]]);
        assert!(!content.is_draft("d1"));
        content.draft = Some("d1".into());
        let read = Content::decode(&content.encode()).unwrap();
        assert!(read.is_draft("d1") && !read.is_draft("d2"));
    }

    #[test]
    fn refuses_other_formats() {
        assert_eq!(Content::decode(b"{}"), None);
        assert_eq!(Content::decode(b""), None);
    }
}
