//! An opened message in the page's terms.

use smime::message::{self, Opened, Part, SignerFault, SignerReport, is_bidi_control};
use smime::{PathError, SignerError};

use super::details;
use super::domain;
use super::html::{self, Picture};
use super::rows;
use super::summary::Content;
use super::trust::hex;
use crate::protocol::{
    Address, Attachment, Body, EmailId, Message, PartId, Receipt, Signer, SignerProblem, ThreadId, Timestamp,
    UnixTime,
};

/// Longer text is cut where it is shown, and it is said so.
const MAX_TEXT: usize = 2 * 1024 * 1024;

/// What the relay knows of the message.
pub struct Envelope {
    /// Its id.
    pub id: EmailId,
    /// The row's facts, without its summary.
    pub email: jmap::Email,
    /// Its text is to be whole.
    pub whole: bool,
    /// The owner wrote it as a draft; the relay's keyword alone makes no draft.
    pub draft: bool,
    /// The message that a draft answers.
    pub answers: Option<EmailId>,
    /// What it has to do with receipts.
    pub receipt: Receipt,
}

/// Characters of a subject, and of a name, that are shown. No letter needs more, and to lay out some of them costs the
/// square of their number.
const SUBJECT: usize = 500;
const NAME: usize = 200;

/// The message as the page shows it.
pub fn message(envelope: &Envelope, opened: &Opened) -> Message {
    let headers = &opened.headers;
    let email = &envelope.email;
    let has = |name: &str| email.keywords.as_ref().is_some_and(|keywords| keywords.contains_key(name));
    let thread = email.thread_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let draft = envelope.draft && has(jmap::keyword::DRAFT);
    // A draft is kept again as the page has it. Of what others wrote no head needs more.
    let [subject, name] = if draft { [usize::MAX; 2] } else { [SUBJECT, NAME] };
    let addresses = |list: &[message::Address]| addresses(list, name);
    let claimed = headers.from_mismatch.as_ref().map(|mismatch| addresses(&mismatch.inner));
    Message {
        id: envelope.id.clone(),
        thread: ThreadId(thread),
        mailboxes: rows::mailboxes(email),
        seen: has(jmap::keyword::SEEN),
        flagged: has(jmap::keyword::FLAGGED),
        draft,
        answers: envelope.answers.clone(),
        from: addresses(&headers.from),
        on_behalf_of: addresses(&headers.on_behalf_of),
        claimed_from: claimed.unwrap_or_default(),
        to: addresses(&headers.to),
        cc: addresses(&headers.cc),
        bcc: addresses(&headers.bcc),
        reply_to: addresses(headers.reply_addresses()),
        recipients_unprotected: headers.recipients_unprotected,
        subject: shortened(&headers.subject, subject),
        date: headers.date.map(|time| UnixTime(time.0)),
        received: rows::received(email),
        message_id: headers.message_id.clone(),
        in_reply_to: headers.in_reply_to.clone(),
        references: headers.references.clone(),
        status: rows::status(opened.status),
        weak: opened.weak,
        sealed_at_door: opened.sealed_at_door,
        domain: domain::of(has(jmap::keyword::SEALED_AT_DOOR), opened),
        signers: opened.signers.iter().zip(details::keys(opened)).map(signer).collect(),
        body: body(opened, envelope.whole, draft),
        attachments: opened.attachments().enumerate().map(attachment).collect(),
        label: details::label(opened),
        receipt: envelope.receipt.clone(),
        tree: details::tree(opened),
    }
}

/// What a list is to show of the message.
pub fn summary(opened: &Opened) -> Content {
    let headers = &opened.headers;
    let names: Vec<String> =
        opened.attachments().enumerate().map(|(index, part)| file_name(index, part)).collect();
    let (text, _) = plain_text(opened, MAX_TEXT);
    let signed = matches!(opened.status, message::Status::Verified | message::Status::Confidential);
    let from = if signed { proven(&headers.from, &opened.signers) } else { addresses(&headers.from, NAME) };
    let people = [from, addresses(&headers.to, NAME)];
    let [from, to] = &people;
    let content = Content::new(&headers.subject, &text, &names, rows::status(opened.status), [from, to]);
    Content { receipt: matches!(opened.kind, message::Kind::Receipt(_)), ..content }
}

fn body(opened: &Opened, whole: bool, draft: bool) -> Body {
    let (text, cut) = plain_text(opened, if whole { usize::MAX } else { MAX_TEXT });
    if whole {
        let text = if draft { text } else { html::broken(&text) };
        return Body { text, ..Body::default() };
    }
    let pictures: Vec<Picture<'_>> = opened.parts.iter().filter_map(picture).collect();
    let sanitised = opened.html().and_then(|html| html::sanitise(&html, &pictures));
    let (html, cut, remote_removed) = match sanitised {
        Some(clean) => (clean.html, false, clean.remote_removed),
        None => (html::html_from_text(&text), cut, false),
    };
    Body { html, text: html::broken(&text), cut, remote_removed }
}

/// The text, and whether it is not the whole of it.
fn plain_text(opened: &Opened, most: usize) -> (String, bool) {
    let text = opened.text().or_else(|| opened.html().map(|html| html::text_from_html(&html)));
    let mut text = text.unwrap_or_default();
    let cut = text.len() > most;
    text.truncate(text.floor_char_boundary(most));
    (text, cut)
}

fn picture(part: &Part) -> Option<Picture<'_>> {
    let content_id = part.content_id.as_deref()?;
    Some(Picture { content_id, media_type: &part.media_type, data: &part.data })
}

fn attachment((index, part): (usize, &Part)) -> Attachment {
    Attachment {
        part: PartId(part.id.clone()),
        name: file_name(index, part),
        media_type: part.media_type.clone(),
        size: u64::try_from(part.data.len()).unwrap_or(u64::MAX),
    }
}

/// The sender's name for a file, fit to be saved under: no path, nothing that turns its end around, and no
/// end that systems drop, which would uncover another one.
pub fn file_name(index: usize, part: &Part) -> String {
    let given = part.name.as_deref().unwrap_or_default();
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    // Bidirectional controls can make `exe.jpg` out of `gpj.exe`.
    let hidden =
        |c: char| c.is_control() || is_bidi_control(c) || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    let clean: String = last.chars().filter(|c| !hidden(*c)).take(200).collect();
    let end = |c: char| c == '.' || c.is_whitespace();
    match clean.trim_start().trim_start_matches('.').trim_end_matches(end) {
        "" => format!("{}.{}", index + 1, extension(&part.media_type)),
        name => name.to_owned(),
    }
}

fn extension(media_type: &str) -> &'static str {
    match media_type {
        "message/rfc822" => "eml",
        "text/plain" => "txt",
        "text/html" => "html",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "application/pdf" => "pdf",
        "application/pkcs7-mime" => "p7m",
        _ => "bin",
    }
}

fn signer((report, key): (&SignerReport, Option<String>)) -> Signer {
    let certificate = report.certificate.as_ref();
    let stamp = report.timestamp.as_ref().and_then(|stamp| {
        Some(Timestamp { time: UnixTime(stamp.time?.0), authority: stamp.authority.clone()? })
    });
    Signer {
        name: report.name.clone(),
        emails: report.emails.clone(),
        subject: report.subject.clone(),
        issuer: report.issuer.clone(),
        fingerprint: certificate.map(|certificate| hex(&certificate.sha256())).unwrap_or_default(),
        key,
        revocation_known: report.revocation_known,
        validity: certificate.map(|one| (UnixTime(one.not_before().0), UnixTime(one.not_after().0))),
        problem: match &report.reason {
            Some(fault) => Some(problem(fault)),
            None if report.valid => None,
            None => Some(SignerProblem::Malformed),
        },
        signed_at: report.signed_at.map(|time| UnixTime(time.0)),
        timestamp: stamp,
    }
}

fn problem(fault: &SignerFault) -> SignerProblem {
    match fault {
        SignerFault::Signature(error) => signature_problem(error),
        SignerFault::NoAddress | SignerFault::FromMismatch | SignerFault::FromAmbiguous => {
            SignerProblem::NotTheSender
        }
        SignerFault::OutsideEncryption => SignerProblem::OutsideEncryption,
        _ => SignerProblem::Malformed,
    }
}

pub(super) fn signature_problem(error: &SignerError) -> SignerProblem {
    match error {
        SignerError::DigestMismatch => SignerProblem::ContentChanged,
        SignerError::NoCertificate => SignerProblem::NoCertificate,
        SignerError::BadSignature | SignerError::CertificateMismatch => SignerProblem::BadSignature,
        SignerError::WeakAlgorithm(name) => SignerProblem::Algorithm { name: (*name).to_owned(), weak: true },
        SignerError::UnsupportedAlgorithm(name) => {
            SignerProblem::Algorithm { name: name.clone(), weak: false }
        }
        SignerError::Path(path) => match path {
            PathError::Expired { .. } | PathError::NotYetValid { .. } => SignerProblem::OutsideValidity,
            PathError::Revoked { .. } => SignerProblem::Revoked,
            PathError::RevocationUnknown { .. } => SignerProblem::RevocationUnknown,
            PathError::WrongUsage => SignerProblem::WrongUsage,
            PathError::WeakAlgorithm { .. } | PathError::UnsupportedAlgorithm { .. } => {
                SignerProblem::CertificateAlgorithm
            }
            _ => SignerProblem::UnknownAuthority,
        },
        _ => SignerProblem::Malformed,
    }
}

/// Authors by the names that their certificates prove: what senders call themselves may imitate anybody.
fn proven(authors: &[message::Address], signers: &[SignerReport]) -> Vec<Address> {
    let name = |email: &str| {
        let of = |signer: &&SignerReport| signer.emails.iter().any(|one| message::same_mailbox(one, email));
        signers.iter().filter(|signer| signer.valid).find(of).and_then(|signer| signer.name.clone())
    };
    let author = |one: &message::Address| Address { name: name(&one.email), email: one.email.clone() };
    authors.iter().map(author).collect()
}

fn addresses(list: &[message::Address], most: usize) -> Vec<Address> {
    let name = |one: &message::Address| one.name.as_deref().map(|name| shortened(name, most));
    list.iter().map(|one| Address { name: name(one), email: one.email.clone() }).collect()
}

fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use smime::message::{self, Disposition, Part, SignerReport};

    use super::{file_name, proven};

    fn named(name: &str) -> String {
        let part = Part {
            id: "1".into(),
            media_type: "application/pdf".into(),
            charset: None,
            name: Some(name.into()),
            disposition: Disposition::Attachment,
            content_id: None,
            data: Vec::new(),
            is_body: false,
        };
        file_name(0, &part)
    }

    fn signer(email: &str, name: &str, valid: bool) -> SignerReport {
        SignerReport {
            emails: vec![email.into()],
            subject: format!("CN={name}"),
            name: Some(name.into()),
            issuer: String::new(),
            valid,
            revocation_known: true,
            reason: None,
            signed_at: None,
            timestamp: None,
            certificate: None,
            encryption: None,
            capabilities: smime::recipients::Capabilities::default(),
            role: None,
            layer: 0,
            services: smime::ess::Services::default(),
        }
    }

    #[test]
    fn a_list_calls_a_signer_by_the_name_that_is_proven() {
        let author = |email: &str| message::Address { name: Some("Tax Office".into()), email: email.into() };
        let authors = [author("Mallory@x.example"), author("eve@x.example"), author("dan@x.example")];
        let signers =
            [signer("mallory@x.example", "Mallory", true), signer("eve@x.example", "Tax Office", false)];
        let names: Vec<_> = proven(&authors, &signers).into_iter().map(|author| author.name).collect();
        assert_eq!(names, [Some("Mallory".to_owned()), None, None]);
    }

    #[test]
    fn a_file_name_is_no_path_and_reads_as_it_ends() {
        assert_eq!(named("报告.pdf"), "报告.pdf");
        assert_eq!(named("../../etc/passwd"), "passwd");
        assert_eq!(named("C:\\Windows\\x.exe"), "x.exe");
        assert_eq!(named("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(named(".bashrc"), "bashrc");
        for disguised in ["x.exe.", "x.exe ", "x.exe. . ", "x.exe\u{200b}", "x.exe\u{3000}.", "x.ex\u{feff}e"]
        {
            assert_eq!(named(disguised), "x.exe");
        }
        assert_eq!(named(" \u{0}/"), "1.pdf");
    }
}
