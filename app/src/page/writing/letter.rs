//! A letter being written, as plain data.

use std::collections::BTreeMap;

use crate::page::text::Texts;
use crate::page::writing::answer::{Addressees, Unquoted};
use crate::page::writing::quote;
use crate::protocol::{
    Account, Address, AttachmentSource, Draft, DraftAttachment, EmailId, Message, PartId, Receipt, Status,
};

/// What the composer starts from, and what it hands to the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letter {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub subject: String,
    pub text: String,
    pub thread: Thread,
    pub enclosures: Vec<Enclosure>,
    /// Its readers are asked for a signed receipt.
    pub receipt: bool,
}

/// Where a letter stands in a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Names this letter itself: see [`Draft::letter`].
    pub letter: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub answers: Option<EmailId>,
    /// The text repeats that of a message its sender sealed, as far as is known.
    pub from_sealed: bool,
}

/// Something enclosed with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enclosure {
    pub name: String,
    pub media_type: String,
    pub size: u64,
    pub origin: Origin,
}

/// Where the bytes of an enclosure are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the file of this index among those the composer was given.
    File(usize),
    /// In a message already there.
    Part { email: EmailId, part: PartId },
}

/// Where enclosures went that were taken from messages, by where they were when the letter was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved(BTreeMap<(EmailId, PartId), (EmailId, PartId)>);

impl Moved {
    /// Notes that a letter with these enclosures is kept as this message; tells whether it has them all.
    pub(crate) fn follow(&mut self, enclosures: &[Enclosure], kept: &Message) -> bool {
        if enclosures.len() != kept.attachments.len() {
            return false;
        }
        for (enclosure, attachment) in enclosures.iter().zip(&kept.attachments) {
            if let Origin::Part { email, part } = &enclosure.origin {
                let now = (kept.id.clone(), attachment.part.clone());
                self.0.insert((email.clone(), part.clone()), now);
            }
        }
        true
    }

    /// The draft with every enclosure taken from where it is now.
    pub(crate) fn applied(&self, mut draft: Draft) -> Draft {
        for attachment in &mut draft.attachments {
            let AttachmentSource::Part { email, part } = &attachment.source else { continue };
            if let Some((email, part)) = self.0.get(&(email.clone(), part.clone())) {
                attachment.source = AttachmentSource::Part { email: email.clone(), part: part.clone() };
            }
        }
        draft
    }
}

/// Whether an enclosure of a draft is taken from this message.
pub(crate) fn draws_on(draft: &Draft, message: &EmailId) -> bool {
    let from = |source: &AttachmentSource| matches!(source, AttachmentSource::Part { email, .. } if email == message);
    draft.attachments.iter().any(|attachment| from(&attachment.source))
}

impl Letter {
    /// An answer, to the sender alone or to all.
    pub(crate) fn reply(message: &Message, me: &Account, all: bool, texts: &Texts, when: &str) -> Self {
        let Addressees { to, cc, .. } = Addressees::new(message, me, all);
        let who = message.from.first().map(display_name).unwrap_or_default();
        Self {
            to,
            cc,
            subject: quote::prefixed(&message.subject, texts.reply_prefix),
            text: match Unquoted::of(message) {
                Some(_) => String::new(),
                None => quote::answer(&message.body.text, &(texts.wrote)(when, &who)),
            },
            thread: Thread {
                letter: None,
                in_reply_to: message.message_id.iter().cloned().collect(),
                references: message.references.iter().chain(&message.message_id).cloned().collect(),
                answers: Some(message.id.clone()),
                from_sealed: was_sealed(message),
            },
            ..Self::default()
        }
    }

    /// The message passed on with everything enclosed.
    pub(crate) fn forward(message: &Message, texts: &Texts, when: &str) -> Self {
        Self {
            subject: quote::prefixed(&message.subject, texts.forward_prefix),
            text: quote::forwarded(message, texts, when),
            thread: Thread { from_sealed: was_sealed(message), ..Thread::default() },
            enclosures: enclosures(message),
            ..Self::default()
        }
    }

    /// A draft taken up again.
    pub(crate) fn draft(message: &Message) -> Self {
        Self {
            to: message.to.clone(),
            cc: message.cc.clone(),
            bcc: message.bcc.clone(),
            subject: message.subject.clone(),
            text: message.body.text.replace("\r\n", "\n"),
            thread: Thread {
                letter: message.message_id.as_deref().and_then(|id| Some(id.split_once('@')?.0.to_owned())),
                in_reply_to: message.in_reply_to.clone(),
                references: message.references.clone(),
                answers: message.answers.clone(),
                // A draft does not tell what it quotes; whatever it quotes may have been sealed.
                from_sealed: quote::quotes(&message.body.text),
            },
            enclosures: enclosures(message),
            receipt: matches!(message.receipt, Receipt::Asked { .. }),
        }
    }

    /// How many bytes are enclosed.
    pub(crate) fn enclosed(&self) -> u64 {
        self.enclosures.iter().map(|enclosure| enclosure.size).sum()
    }

    /// What the engine is asked to keep or send, and which files travel with it.
    pub(crate) fn pack(&self) -> (Draft, Vec<usize>) {
        let mut files = Vec::new();
        let mut attachments = Vec::with_capacity(self.enclosures.len());
        for enclosure in &self.enclosures {
            let source = match &enclosure.origin {
                Origin::File(index) => {
                    files.push(*index);
                    AttachmentSource::File(u32::try_from(files.len() - 1).unwrap_or(u32::MAX))
                }
                Origin::Part { email, part } => {
                    AttachmentSource::Part { email: email.clone(), part: part.clone() }
                }
            };
            let (name, media_type) = (enclosure.name.clone(), enclosure.media_type.clone());
            attachments.push(DraftAttachment { name, media_type, source });
        }
        let draft = Draft {
            letter: self.thread.letter.clone(),
            to: self.to.clone(),
            cc: self.cc.clone(),
            bcc: self.bcc.clone(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            in_reply_to: self.thread.in_reply_to.clone(),
            references: self.thread.references.clone(),
            answers: self.thread.answers.clone(),
            attachments,
            receipt: self.receipt,
        };
        (draft, files)
    }
}

/// The name of somebody, or the address where there is none.
pub(crate) fn display_name(address: &Address) -> String {
    let name = address.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or(&address.email).to_owned()
}

fn was_sealed(message: &Message) -> bool {
    message.weak || matches!(message.status, Status::Confidential | Status::EncryptedUnverified)
}

fn enclosures(message: &Message) -> Vec<Enclosure> {
    let enclosed = message.attachments.iter().map(|attachment| Enclosure {
        name: attachment.name.clone(),
        media_type: attachment.media_type.clone(),
        size: attachment.size,
        origin: Origin::Part { email: message.id.clone(), part: attachment.part.clone() },
    });
    enclosed.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Enclosure, Letter, Moved, Origin, draws_on};
    use crate::page::text::Language;
    use crate::page::writing::quote::tests::{address, message};
    use crate::protocol::{Account, Attachment, AttachmentSource, EmailId, PartId, Status};

    pub(crate) fn bob() -> Account {
        Account {
            id: "b".into(),
            name: "Bob".into(),
            address: "bob@example.org".into(),
            attachable: 1,
            ending: None,
        }
    }

    pub(crate) fn emails(addresses: &[crate::protocol::Address]) -> Vec<&str> {
        addresses.iter().map(|address| address.email.as_str()).collect()
    }

    #[test]
    fn a_reply_goes_to_the_sender_and_a_reply_to_all_spares_oneself() {
        let mut message = message();
        message.to = vec![address("BOB@example.org"), address("carol@example.org")];
        message.cc = vec![address("alice@example.org"), address("dan@example.org")];
        let texts = Language::English.texts();
        let reply = Letter::reply(&message, &bob(), false, texts, "now");
        assert_eq!((emails(&reply.to), emails(&reply.cc)), (vec!["alice@example.org"], vec![]));
        let all = Letter::reply(&message, &bob(), true, texts, "now");
        assert_eq!(emails(&all.to), ["alice@example.org"]);
        assert_eq!(emails(&all.cc), ["carol@example.org", "dan@example.org"]);
        assert_eq!(all.thread.in_reply_to, ["m1@example.org"]);
        assert_eq!(all.thread.references, ["m0@example.org", "m1@example.org"]);
    }

    #[test]
    fn answering_ones_own_letter_goes_on_to_its_readers() {
        let mut message = message();
        (message.from, message.to) = (vec![address("bob@example.org")], vec![address("carol@example.org")]);
        let reply = Letter::reply(&message, &bob(), false, Language::Chinese.texts(), "now");
        assert_eq!(emails(&reply.to), ["carol@example.org"]);
    }

    #[test]
    fn a_letter_knows_that_it_repeats_what_was_sealed() {
        let mut message = message();
        let texts = Language::English.texts();
        for (status, sealed) in [(Status::Confidential, true), (Status::Verified, false)] {
            message.status = status;
            assert_eq!(Letter::reply(&message, &bob(), false, texts, "now").thread.from_sealed, sealed);
            let forward = Letter::forward(&message, texts, "now");
            assert_eq!(forward.thread.from_sealed, sealed);
            message.body.text = forward.text;
            assert!(Letter::draft(&message).thread.from_sealed);
        }
        message.body.text = "Dear Bob".into();
        assert!(!Letter::draft(&message).thread.from_sealed);
    }

    #[test]
    fn what_was_sealed_weakly_is_not_quoted_and_still_known_to_have_been_sealed() {
        let mut message = message();
        (message.status, message.weak) = (Status::Verified, true);
        let texts = Language::English.texts();
        let reply = Letter::reply(&message, &bob(), false, texts, "now");
        assert_eq!((reply.text.as_str(), reply.thread.from_sealed), ("", true));
        assert!(Letter::forward(&message, texts, "now").thread.from_sealed);
    }

    #[test]
    fn an_answer_quotes_what_was_sealed_only_to_who_signed_it() {
        let mut message = message();
        let texts = Language::English.texts();
        assert_ne!(Letter::reply(&message, &bob(), false, texts, "now").text, "");
        message.status = Status::EncryptedUnverified;
        assert_eq!(Letter::reply(&message, &bob(), false, texts, "now").text, "");
    }

    #[test]
    fn enclosures_are_found_in_the_draft_that_was_kept_last() {
        let mut message = message();
        let attachment = |part: &str| Attachment {
            part: PartId(part.into()),
            name: part.into(),
            media_type: "text/plain".into(),
            size: 1,
        };
        message.attachments = vec![attachment("2"), attachment("3")];
        let mut letter = Letter::draft(&message);
        let (first, second) = (message.id.clone(), EmailId("second".into()));
        assert!(draws_on(&letter.pack().0, &first));
        // One enclosure is removed, so that the other takes another place.
        letter.enclosures.remove(0);
        (message.id, message.attachments) = (second.clone(), vec![attachment("2")]);
        let mut moved = Moved::default();
        assert!(moved.follow(&letter.enclosures, &message));
        let kept = moved.applied(letter.pack().0);
        let part = PartId("2".into());
        assert_eq!(kept.attachments[0].source, AttachmentSource::Part { email: second.clone(), part });
        assert!(draws_on(&kept, &second) && !draws_on(&kept, &first));
        message.attachments.clear();
        assert!(!moved.follow(&letter.enclosures, &message));
    }

    #[test]
    fn only_files_that_are_still_enclosed_travel() {
        let file = |index| Enclosure {
            name: format!("{index}"),
            media_type: "text/plain".into(),
            size: 1,
            origin: Origin::File(index),
        };
        let part = Enclosure {
            origin: Origin::Part { email: EmailId("m".into()), part: PartId("2".into()) },
            ..file(9)
        };
        let letter = Letter { enclosures: vec![part, file(0), file(2)], ..Letter::default() };
        let (draft, files) = letter.pack();
        assert_eq!(files, [0, 2]);
        assert_eq!(draft.attachments[2].source, AttachmentSource::File(1));
        assert_eq!(letter.enclosed(), 3);
    }
}
