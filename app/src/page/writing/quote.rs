//! Quoting what is answered or passed on.

use crate::page::text::Texts;
use crate::page::writing::letter::display_name;
use crate::protocol::{Address, Message};

/// Prefixes that programs and people put before the subject of an answer or a forwarded message.
const KNOWN: [&str; 9] = ["re", "aw", "sv", "fwd", "fw", "wg", "回复", "答复", "转发"];

/// How much of a message an answer quotes; more would only swell the thread.
const QUOTE_LIMIT: usize = 100_000;

/// The subject with this prefix, in place of one of the same meaning.
pub(crate) fn prefixed(subject: &str, prefix: &str) -> String {
    let subject = subject.trim();
    let bare = |text: &str| text.trim_end_matches([':', '：', ' ']).to_ascii_lowercase();
    let rest = subject.split_once([':', '：']).filter(|(head, _)| {
        let head = bare(head);
        KNOWN.contains(&head.as_str()) && same_kind(&head, &bare(prefix))
    });
    format!("{prefix}{}", rest.map_or(subject, |(_, rest)| rest.trim_start()))
}

fn same_kind(one: &str, other: &str) -> bool {
    let forward = |word: &str| matches!(word, "fwd" | "fw" | "wg" | "转发");
    forward(one) == forward(other)
}

/// The text under an answer: room to write, who wrote when, and the quote.
pub(crate) fn answer(text: &str, attribution: &str) -> String {
    let mut quoted = format!("\n\n{attribution}\n");
    let limited: String = text.chars().take(QUOTE_LIMIT).collect();
    for line in limited.trim_end().lines() {
        quoted.push_str(if line.starts_with('>') || line.is_empty() { ">" } else { "> " });
        quoted.push_str(line.trim_end());
        quoted.push('\n');
    }
    quoted
}

/// The text of a forwarded message, with its head.
pub(crate) fn forwarded(message: &Message, texts: &Texts, when: &str) -> String {
    let mut text = format!("\n\n---------- {} ----------\n", texts.forwarded);
    let people =
        |addresses: &[Address]| addresses.iter().map(with_address).collect::<Vec<_>>().join(texts.list_comma);
    for (label, value) in [
        (texts.from, people(&message.from)),
        (texts.date, when.to_owned()),
        (texts.subject, message.subject.clone()),
        (texts.to, people(&message.to)),
        (texts.cc, people(&message.cc)),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("{label}: {value}\n"));
        }
    }
    text.push('\n');
    text.push_str(&message.body.text.replace("\r\n", "\n"));
    text
}

/// Whether a text has lines that repeat another message.
pub(crate) fn quotes(text: &str) -> bool {
    text.lines().any(|line| line.starts_with('>') || line.starts_with("----------"))
}

/// A name with its address.
pub(crate) fn with_address(address: &Address) -> String {
    let name = display_name(address);
    if name == address.email { name } else { format!("{name} <{}>", address.email) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{answer, forwarded, prefixed};
    use crate::page::text::Language;
    use crate::protocol::{
        Address, Body, EmailId, Label, Message, Node, Receipt, Status, ThreadId, UnixTime,
    };

    pub(crate) fn address(email: &str) -> Address {
        Address { name: None, email: email.into() }
    }

    pub(crate) fn message() -> Message {
        Message {
            id: EmailId("e1".into()),
            thread: ThreadId("t1".into()),
            mailboxes: vec![],
            seen: true,
            flagged: false,
            draft: false,
            answers: None,
            from: vec![Address { name: Some("Alice Lin".into()), email: "alice@example.org".into() }],
            on_behalf_of: vec![],
            claimed_from: vec![],
            to: vec![address("bob@example.org")],
            cc: vec![],
            bcc: vec![],
            reply_to: vec![],
            recipients_unprotected: false,
            subject: "Permit".into(),
            date: None,
            received: UnixTime(0),
            message_id: Some("m1@example.org".into()),
            in_reply_to: vec![],
            references: vec!["m0@example.org".into()],
            status: Status::Confidential,
            weak: false,
            sealed_at_door: false,
            domain: None,
            signers: vec![],
            body: Body {
                html: String::new(),
                text: "Hello\r\n\r\n> old\r\n".into(),
                cut: false,
                remote_removed: false,
            },
            attachments: vec![],
            label: Label::None,
            receipt: Receipt::None,
            tree: Node::default(),
        }
    }

    #[test]
    fn prefixes_do_not_pile_up() {
        for (subject, prefix, expected) in [
            ("Permit", "Re: ", "Re: Permit"),
            ("RE: Permit", "Re: ", "Re: Permit"),
            ("AW:Permit", "Re: ", "Re: Permit"),
            ("Re: 许可", "回复：", "回复：许可"),
            ("答复：许可", "回复：", "回复：许可"),
            ("Fwd: Permit", "Re: ", "Re: Fwd: Permit"),
            ("Note: Permit", "Re: ", "Re: Note: Permit"),
        ] {
            assert_eq!(prefixed(subject, prefix), expected);
        }
    }

    #[test]
    fn quotes_nest_by_one_level() {
        assert_eq!(answer("Hello\r\n\r\n> old\r\n", "A wrote:"), "\n\nA wrote:\n> Hello\n>\n>> old\n");
    }

    #[test]
    fn a_forwarded_message_tells_who_wrote_it() {
        let mut message = message();
        message.body.text.insert_str(0, &"Long. ".repeat(50_000));
        let text = forwarded(&message, Language::English.texts(), "1 Jan 2026 09:00");
        assert_eq!(text.matches("Long. ").count(), 50_000);
        assert!(
            text.contains("From: Alice Lin <alice@example.org>\nDate: 1 Jan 2026 09:00\nSubject: Permit\n")
        );
        assert!(text.ends_with(" Hello\n\n> old\n"));
        assert!(!text.contains("Cc:"));
    }
}
