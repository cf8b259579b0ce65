//! What a list shows of a message, sealed by its owner and kept beside it at the relay.

mod sealed;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::protocol::{Address, EmailId, Given, MANY_READERS, Status};

pub use sealed::{KEY_INFO, Place, Sight, SummaryKey, open, seal};

/// The length of every summary before it is sealed; the relay takes 4096, and lists carry two hundred.
const MAX_BYTES: usize = 1280;

const SUBJECT: usize = 240;
const PREVIEW: usize = 180;
const NAMES: usize = 8;
const NAME: usize = 80;
const ADDRESSES: usize = 4;
const ADDRESS: usize = 120;
/// Receipts that a summary tells of by name; those beyond are counted.
const GIVEN: usize = 8;
/// Characters by which a reader is known who is only counted.
const DIGEST: usize = 5;

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
    /// In a draft: the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<EmailId>,
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
    /// Digests of the addresses of the readers who gave the others, each of [`DIGEST`] characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub others: String,
}

impl Asked {
    /// How many readers gave a receipt besides those who are named.
    pub fn more(&self) -> usize {
        self.others.len() / DIGEST
    }

    /// Notes a receipt; tells whether it was new. Readers are told apart by their addresses.
    fn note(&mut self, given: Given) -> bool {
        if let Some(known) = self.given.iter_mut().find(|known| is_same(known, &given)) {
            let told_less = known.email.is_empty();
            if told_less {
                *known = given;
            }
            return told_less;
        }
        if self.has(&given) {
            return false;
        }
        if self.given.len() == GIVEN {
            return self.count(&given);
        }
        self.given.push(given);
        true
    }

    fn has(&self, given: &Given) -> bool {
        self.others.as_bytes().chunks(DIGEST).any(|one| one == digest(&given.email).as_bytes())
    }

    /// Counts a receipt without its name, where there is room.
    fn count(&mut self, given: &Given) -> bool {
        let room = self.more() < MANY_READERS;
        if room {
            self.others.push_str(&digest(&given.email));
        }
        room
    }
}

/// Whether both are of one reader.
fn is_same(known: &Given, given: &Given) -> bool {
    if known.email.is_empty() {
        known.who == given.who
    } else {
        known.email.eq_ignore_ascii_case(&given.email)
    }
}

/// A short name of an address: readers of one letter hardly share one, and nothing but the count would suffer.
fn digest(address: &str) -> String {
    let hash = address.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}").split_off(8 - DIGEST)
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
            answers: None,
            asked: None,
            receipt: false,
        }
    }

    /// Notes a receipt; tells whether it was new.
    pub fn note(&mut self, given: Given) -> bool {
        let Some(asked) = &mut self.asked else { return false };
        asked.note(Given { who: cut(&given.who, NAME), email: cut(&given.email, ADDRESS), ..given })
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
        } else if let Some(asked) = self.asked.as_mut().filter(|asked| asked.given.len() > 1) {
            if let Some(last) = asked.given.pop() {
                asked.count(&last);
            }
        } else if !self.subject.is_empty() {
            self.attachments.clear();
            self.to.clear();
            self.from.truncate(1);
            self.subject = cut(&self.subject, self.subject.chars().count() / 2);
        } else if !self.from.is_empty() {
            self.from.clear();
        } else {
            (self.asked, self.answers, self.draft) = (None, None, None);
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
    use crate::protocol::{Address, Given, MANY_READERS, Status, UnixTime};

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
            // However long all else is, too.
            let people = [Address { name: Some(long.clone()), email: long.clone() }];
            let mut content = Content::new(&long, "", &[], Status::Unprotected, [&people, &people]);
            content.asked = Some(Asked { expected: Some(long.clone()), ..Asked::default() });
            assert!(content.note(given(&long, &long)));
            assert!(Content::decode(&content.encode()).is_some());
        }
    }

    fn given(who: &str, email: &str) -> Given {
        Given { who: who.into(), email: email.into(), at: Some(UnixTime(1)), stamped: true }
    }

    #[test]
    fn a_reader_is_noted_once_and_only_where_receipts_were_asked_for() {
        let mut content = Content::new("s", "t", &[], Status::Confidential, [&[], &[]]);
        assert!(!content.note(given("王伟", "a@b.example")));
        content.asked = Some(Asked::default());
        assert!(content.note(given("王伟", "a@b.example")) && !content.note(given("王伟", "A@b.example")));
        assert!(content.note(given("王伟", "c@b.example")), "another of the same name");
    }

    #[test]
    fn readers_beyond_those_that_are_named_are_counted_each_once() {
        let mut content = Content::new(&"印".repeat(20), "t", &[], Status::Confidential, [&[], &[]]);
        content.asked = Some(Asked::default());
        for round in 0..2 {
            for reader in 0..40 {
                let new = content.note(given("Reader", &format!("reader{reader}@b.example")));
                assert_eq!(new, round == 0, "{reader}");
            }
            content = Content::decode(&content.encode()).unwrap();
        }
        let asked = content.asked.clone().unwrap();
        assert_eq!((asked.given.len() + asked.more(), asked.given.len() > 3), (40, true));
        // Long names give way to their number, and the subject stays.
        for reader in 0..500 {
            content.note(given(&"印".repeat(80), &format!("{reader}@{}.example", "long".repeat(30))));
        }
        let content = Content::decode(&content.encode()).unwrap();
        assert_eq!(content.asked.map(|asked| asked.more()), Some(MANY_READERS));
        assert_eq!(content.subject, "印".repeat(20));
    }

    #[test]
    fn receipts_that_were_noted_without_an_address_are_read() {
        let mut content = Content::new("s", "t", &[], Status::Confidential, [&[], &[]]);
        content.asked = Some(Asked::default());
        let old = String::from_utf8(content.encode()).unwrap();
        let old = old.replace("\"given\":[]", "\"given\":[{\"who\":\"Bob\",\"at\":7}]");
        let mut content = Content::decode(old.as_bytes()).unwrap();
        let bob = content.asked.as_ref().unwrap().given[0].clone();
        assert_eq!(
            bob,
            Given { who: "Bob".into(), email: String::new(), at: Some(UnixTime(7)), stamped: false }
        );
        assert!(content.note(given("Bob", "b@b.example")) && !content.note(given("Bob", "b@b.example")));
        assert_eq!(content.asked.unwrap().given, [given("Bob", "b@b.example")]);
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
