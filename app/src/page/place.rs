//! Where the user is: what the URL says, parsed.

use crate::protocol::{EmailId, Mailbox, MailboxId, Role};

/// A place of the page. The URL holds it and nothing else does.
///
/// What is searched for is no part of it: the browser sends the URL to the relay whenever the page is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A mailbox, perhaps a message of it, perhaps a letter being written.
    Mail(MailPlace),
    Settings,
    Nowhere,
}

/// A place in the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailPlace {
    pub folder: Folder,
    pub email: Option<EmailId>,
    pub writing: Option<Writing>,
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    New,
    Reply,
    ReplyAll,
    Forward,
    /// The chosen message is a draft taken up again.
    Draft,
}

/// A mailbox as the URL names it: by role where it has one, or else by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    Role(Role),
    Id(MailboxId),
}

const ROLES: [(Role, &str); 6] = [
    (Role::Inbox, "inbox"),
    (Role::Drafts, "drafts"),
    (Role::Sent, "sent"),
    (Role::Archive, "archive"),
    (Role::Junk, "junk"),
    (Role::Trash, "trash"),
];

const WRITING: [(Writing, &str); 5] = [
    (Writing::New, "new"),
    (Writing::Reply, "reply"),
    (Writing::ReplyAll, "reply-all"),
    (Writing::Forward, "forward"),
    (Writing::Draft, "draft"),
];

impl Place {
    /// The place that a path and a query name. None of their words needs decoding.
    pub(crate) fn parse(path: &str, query: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let place = match (segments.next(), segments.next(), segments.next(), segments.next()) {
            (None, ..) | (Some("mail"), None, ..) => MailPlace::folder(Folder::Role(Role::Inbox)),
            (Some("mail"), Some(folder), email, None) => MailPlace {
                email: email.map(|id| EmailId(id.to_owned())),
                ..MailPlace::folder(Folder::parse(folder))
            },
            (Some("settings"), None, ..) => return Self::Settings,
            _ => return Self::Nowhere,
        };
        let writing = query.split('&').find_map(|pair| named(&WRITING, pair.strip_prefix("write=")?));
        let writing = writing.filter(|writing| *writing == Writing::New || place.email.is_some());
        Self::Mail(MailPlace { writing, ..place })
    }
}

impl MailPlace {
    /// The inbox.
    pub(crate) fn inbox() -> Self {
        Self::folder(Folder::Role(Role::Inbox))
    }

    /// A mailbox with nothing chosen.
    pub(crate) fn folder(folder: Folder) -> Self {
        Self { folder, email: None, writing: None }
    }

    /// The same list with this message chosen.
    pub(crate) fn with_email(&self, email: Option<EmailId>) -> Self {
        Self { email, writing: None, ..self.clone() }
    }

    /// The same place while this is being written.
    pub(crate) fn with_writing(&self, writing: Option<Writing>) -> Self {
        Self { writing, ..self.clone() }
    }

    /// The URL, relative to the origin.
    pub(crate) fn href(&self) -> String {
        let mut href = format!("/mail/{}", self.folder.name());
        if let Some(email) = &self.email {
            href.push('/');
            href.push_str(&escape(&email.0));
        }
        if let Some(writing) = self.writing {
            href.push_str("?write=");
            href.push_str(name_of(&WRITING, writing));
        }
        href
    }
}

impl Folder {
    /// The folder of a mailbox.
    pub(crate) fn of(mailbox: &Mailbox) -> Self {
        mailbox.role.map_or_else(|| Self::Id(mailbox.id.clone()), Self::Role)
    }

    /// Whether it names this mailbox.
    pub(crate) fn is(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Role(role) => mailbox.role == Some(*role),
            Self::Id(id) => mailbox.id == *id,
        }
    }

    fn parse(name: &str) -> Self {
        // A role is a plain word; an id gets a mark so that a mailbox may be called anything.
        match name.strip_prefix('~') {
            Some(id) => Self::Id(MailboxId(id.to_owned())),
            None => named(&ROLES, name).map_or_else(|| Self::Id(MailboxId(name.to_owned())), Self::Role),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Role(role) => name_of(&ROLES, *role).to_owned(),
            Self::Id(id) => format!("~{}", escape(&id.0)),
        }
    }
}

fn named<T: Copy>(table: &[(T, &'static str)], name: &str) -> Option<T> {
    table.iter().find(|(_, word)| *word == name).map(|(value, _)| *value)
}

fn name_of<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(other, _)| *other == value).map_or("", |(_, word)| word)
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Folder, MailPlace, Place, Writing, escape};
    use crate::protocol::{EmailId, MailboxId, Role};

    #[test]
    fn a_place_survives_its_own_address() {
        let place = MailPlace {
            folder: Folder::Role(Role::Sent),
            email: Some(EmailId("M1".into())),
            writing: Some(Writing::ReplyAll),
        };
        assert_eq!(place.href(), "/mail/sent/M1?write=reply-all");
        assert_eq!(Place::parse("/mail/sent/M1", "from=1&write=reply-all"), Place::Mail(place));
        let own = MailPlace::folder(Folder::Id(MailboxId("inbox".into())));
        assert_eq!(own.href(), "/mail/~inbox");
        assert_eq!(Place::parse(&own.href(), ""), Place::Mail(own));
    }

    #[test]
    fn the_front_door_leads_to_the_inbox() {
        let inbox = Place::Mail(MailPlace::folder(Folder::Role(Role::Inbox)));
        assert_eq!(Place::parse("/", ""), inbox);
        assert_eq!(Place::parse("/mail/", ""), inbox);
        assert_eq!(Place::parse("/settings", ""), Place::Settings);
        for path in ["/mail/inbox/M1/more", "/settings/more", "/elsewhere"] {
            assert_eq!(Place::parse(path, ""), Place::Nowhere, "{path}");
        }
    }

    #[test]
    fn an_answer_needs_a_message() {
        let Place::Mail(place) = Place::parse("/mail/inbox", "write=reply") else { panic!("no mail") };
        assert_eq!(place.writing, None);
    }

    #[test]
    fn ids_are_escaped() {
        assert_eq!(escape("a b&ü"), "a%20b%26%C3%BC");
    }
}
