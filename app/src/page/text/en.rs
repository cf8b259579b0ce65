//! English.

use super::{Language, Texts};
use crate::page::writing::answer::Unquoted;
use crate::protocol::{Failure, MANY_READERS, Role, Says, SignerProblem, Stage, Status, Unfit};

pub(super) static TEXTS: Texts = Texts {
    language: Language::English,
    brand: "Sealpost",
    brand_small: "印信",
    starting: "Opening your mailbox …",
    skip_to_list: "Skip to messages",
    skip_to_message: "Skip to message",

    sign_in_title: "Sign in",
    sign_in_lead: "Every message is sealed and signed here in your browser. Nobody on the way can read it or forge it.",
    username: "Email address",
    password: "Password",
    sign_in: "Sign in",
    signing_in: "Signing in …",
    sign_out: "Sign out",

    enrol_title: |name| format!("Welcome, {name}"),
    enrol_lead: "Your seal is being made. It takes a few seconds, and it never leaves your hands.",
    enrol_progress: "Preparing your mailbox",
    try_again: "Try again",
    reload: "Reload",

    elsewhere_title: "Your keys are in another browser",
    elsewhere_lead: "You are signed in, but the keys that open your mail are not in this browser. Your recovery code brings them here.",
    recovery_code: "Recovery code",
    recovery_hint: "You made it under Settings in the browser you used before. Spaces, hyphens and capitals don’t matter.",
    recover: "Open my mailbox",
    afresh_title: "No recovery code?",
    afresh_means: [
        "New keys are made for you, and new mail will open here.",
        "Mail you have now stays sealed in this browser. It can still be read where your old keys are.",
        "This cannot be undone.",
    ],
    afresh_confirm: "I understand that my old mail will not open here.",
    afresh: "Start afresh",

    trust_title: "The mail service shows a new identity",
    trust_lead: "The authorities that vouch for people here are not the ones this browser knows. Nothing is sent or opened until you say so. Ask whoever runs your mail service whether they changed it, and compare the fingerprints.",
    trust_prints: "New fingerprints",
    trust_confirm: "I compared them with a source I trust.",
    trust_accept: "Accept the new identity",

    mailboxes: "Mailboxes",
    role,
    unread: |n| if n == 1 { "1 unread message".into() } else { format!("{n} unread messages") },
    menu: "Mailboxes menu",
    close_menu: "Close menu",
    settings: "Settings",

    messages: "Messages",
    message_count: |n| match n {
        0 => "No messages".into(),
        1 => "1 message".into(),
        n => format!("{n} messages"),
    },
    find: "Find in this mailbox",
    found: |found, of| format!("{found} found in {of} messages"),
    finding: "Searching …",
    empty_mailbox: |role| match role {
        Some(Role::Inbox) => "No mail. New letters appear here by themselves.",
        Some(Role::Drafts) => "No drafts. What you begin to write is kept here, sealed.",
        Some(Role::Sent) => "Nothing sent yet.",
        Some(Role::Trash) => "The trash is empty.",
        Some(Role::Archive | Role::Junk) | None => "Nothing here.",
    },
    nothing_found: "No message here matches.",
    no_subject: "(no subject)",
    no_sender: "(unknown sender)",
    no_recipient: "(no recipient yet)",
    to_short: "To:",
    sealed_row: "Sealed. Open it to read.",
    closed_row: "Sealed to keys that are not in this browser",
    damaged_row: "Damaged on its way",
    mark_unread: "Unread",
    mark_flagged: "Flagged",
    mark_answered: "Answered",
    mark_attachment: "Has attachments",
    new_mail: |n| if n == 1 { "New message arrived".into() } else { format!("{n} new messages arrived") },

    choose_message: "Choose a message to read it",
    shortcuts_hint: "Press ? for keyboard shortcuts",
    opening: "Opening message",
    message_actions: "Message actions",
    back: "Back to list",
    reply: "Reply",
    reply_all: "Reply all",
    forward: "Forward",
    archive: "Archive",
    trash: "Move to trash",
    destroy: "Delete for good",
    destroy_confirm: "Delete this message for good? This cannot be undone.",
    to_inbox: "Move to inbox",
    as_unread: "Mark as unread",
    flag: "Flag",
    unflag: "Remove flag",
    from: "From",
    to: "To",
    cc: "Cc",
    bcc: "Bcc",
    on_behalf_of: "On behalf of",
    name_given: "(name given by sender)",
    list_comma: ", ",
    show_more: |n| format!("Show {n} more"),
    several_authors: "This message names several authors. Nothing proves which of them it is from.",
    claimed_from: |who| format!("Inside, this message says it is from {who}. Nothing proves that."),
    body_frame: "Message text",
    no_text: "This message has no text.",
    remote_removed: "Pictures from elsewhere were left out, so that the sender cannot see when you read.",
    text_cut: "This text is too long to be shown whole. Here is its beginning.",
    attachments: "Attachments",
    download: |name| format!("Download {name}"),
    risky_file: "This kind of file can run a program. Open it only if you expected it.",

    status,
    status_short: |status| match status {
        Status::Confidential => "Confidential",
        Status::Verified => "Signed",
        Status::EncryptedUnverified => "Encrypted, sender unknown",
        Status::Unprotected => "Not protected",
    },
    status_means: |status| match status {
        Status::Confidential => {
            "Only its readers can open this message, and it is proven who wrote it and that nobody changed it."
        }
        Status::Verified => {
            "It is proven who wrote this message and that nobody changed it. It was not sealed, so others may have read it on its way."
        }
        Status::EncryptedUnverified => "This message was sealed on its way, but nothing proves who wrote it.",
        Status::Unprotected => {
            "Nothing proves who wrote this message, and others may have read or changed it on its way."
        }
    },
    message_status: "Message protection",
    signed_by: |who| format!("Signed by {who}"),
    status_details: "Protection details",
    at_door: "It arrived unsealed. Your mailbox sealed it before storing it.",
    domain: |name, says| match says {
        Says::Sent => format!("{name} confirms that it sent this. Who wrote it is not proven."),
        Says::Unconfirmed => {
            format!("{name} does not confirm that it sent this. Who wrote it is not proven.")
        }
        Says::Denied => format!("{name} denies having sent this. The sender may be somebody else."),
        Says::Nothing => format!("{name} does not tell which mail in its name is genuine."),
    },
    weak: "It was encrypted in an outdated way that no longer protects.",
    signer: "Signed by",
    signer_addresses: "Address",
    vouched_by: "Vouched for by",
    signed_at: "Signed",
    proven_at: "Proven since",
    stamped: |time, authority| format!("{time}, timestamp of {authority}"),
    not_stamped: "No timestamp: the time is the signer’s own word",
    fingerprint: "Fingerprint",
    does_not_count: |who, why| format!("A signature that does not count: {who} – {why}."),
    signer_problem,
    revocation: "Withdrawn",
    not_revoked: "No, according to the authority",
    revocation_unknown: " · not known whether withdrawn",
    revocation_means: "Not known: no current list of withdrawn certificates could be had",
    technical: "Technical details",
    layer_encrypted: |cipher, recipients, weak| {
        let keys = if recipients == 1 { "1 key".into() } else { format!("{recipients} keys") };
        let weak = if weak { ", too weak to protect" } else { "" };
        format!("Encrypted with {cipher} to {keys}{weak}")
    },
    layer_signed_clear: "Signed, readable without S/MIME (multipart/signed)",
    layer_signed_opaque: "Signed (application/pkcs7-mime)",
    layer_compressed: "Compressed",
    layer_door: "Arrived in clear, sealed by your mailbox",
    layer_errant: |media_type| format!("{media_type}, in a place where it counts for nothing"),
    signature: "Signature",
    signature_holds: "Holds",
    certificate_of: "Certificate",
    certificate_issuer: "Issued by",
    certificate_key: "Key",
    certificate_validity: "Valid",
    label: "Security label",
    classification: |class| match class {
        0 => "Unmarked".into(),
        1 => "Unclassified".into(),
        2 => "Restricted".into(),
        3 => "Confidential".into(),
        4 => "Secret".into(),
        5 => "Top secret".into(),
        other => format!("Class {other}"),
    },
    label_policy: |policy| format!("under policy {policy}"),
    label_categories: |categories| format!("categories {categories}"),
    label_unreadable: "This message carries a security label that cannot be read. Handle it as if it were secret.",
    label_conflict: "Its signers labelled this message differently. Handle it as if it were secret.",
    receipt: "Receipt",
    receipt_ask: "Ask for receipt",
    receipt_ask_means: "Asks the readers to send you a signed receipt that they opened this letter",
    receipt_wanted: |to| {
        format!("The sender asks for a signed receipt that you opened this letter. It would go to {to}.")
    },
    receipt_give: "Send receipt",
    receipt_refuse: "Don’t send",
    receipt_given: "You sent a signed receipt for this letter.",
    receipt_refused: "You sent no receipt for this letter.",
    receipt_none_yet: "You asked for a receipt. None has come yet.",
    receipt_opened: |who, when, stamped| match when {
        Some(when) if stamped => format!("Opened by {who} on {when}"),
        Some(when) => format!("Opened by {who} (who says: on {when})"),
        None => format!("Opened by {who}"),
    },
    receipt_more: |n| {
        if n < MANY_READERS { format!("and {n} more") } else { format!("and {n} or more others") }
    },
    receipt_for: |subject| if subject.is_empty() { "Receipt".into() } else { format!("Receipt: {subject}") },
    receipt_letter: "Your letter",
    receipt_unknown: "This receipt is for a letter that was not found among those you asked receipts for.",
    receipt_other: "This receipt proves nothing: it is not for what you sent, or not from somebody you wrote to.",
    receipt_unsigned: |why| format!("This receipt proves nothing: {why}."),

    new_message: "New message",
    write_title: "New message",
    reply_title: "Reply",
    forward_title: "Forward",
    draft_title: "Draft",
    subject: "Subject",
    message: "Message",
    add_cc: "Add Cc",
    add_bcc: "Add Bcc",
    send: "Send",
    send_clear: "Send unsealed",
    cancel: "Cancel",
    close: "Close",
    discard: "Discard draft",
    attach: "Attach files",
    drop_here: "Drop files to attach them",
    remove: |name| format!("Remove {name}"),
    saving: "Saving …",
    saved: "Draft saved, sealed",
    not_saved: "Draft not saved",
    too_large: |limit| format!("Attachments can be {limit} in all. Remove some, or send them apart."),
    will_seal: "Will be sealed and signed",
    will_not_seal: "Cannot be sealed for everyone",
    no_one_yet: "Signed and sealed when you send",
    checking: "Checking",
    chip_sealed: |authority| format!("Can be sealed; vouched for by {authority}"),
    chip_open: |why| format!("Cannot be sealed: {why}"),
    no_certificate: |why| match why {
        None => "no certificate is known",
        Some(Unfit::Expired) => "the certificate has expired",
        Some(Unfit::NotYetValid) => "the certificate is not valid yet",
        Some(Unfit::Revoked) => "the certificate has been revoked",
        Some(Unfit::WrongUsage) => "the certificate is not for receiving sealed mail",
        Some(Unfit::UnsupportedKey) => "Sealpost cannot seal to this kind of certificate",
        Some(Unfit::UnknownAuthority) => "no authority known here vouches for the certificate",
        Some(Unfit::UnsupportedSignature) => "Sealpost cannot check how the certificate is signed",
        Some(Unfit::TooCostly) => "checking the certificate would take too long",
        Some(Unfit::Broken) => "the certificate does not stand up to checking",
    },
    chip_wrong: "This is not an email address",
    suggestions: "Suggestions",
    suggestion_open: "cannot be sealed",
    caution_title: |n| {
        if n == 1 {
            "This recipient cannot receive sealed mail".into()
        } else {
            "These recipients cannot receive sealed mail".into()
        }
    },
    caution_means: "No certificate that stands up to checking is known for them, so this message would travel unsealed: everyone on its way could read it. It would still be signed. Nothing is sent unless you confirm.",
    caution_repeats: "It repeats words that reached you sealed: they would be readable too. Remove them if they must stay between you.",
    caution_confirm: "Send this message unsealed to all recipients. I know that others can read it.",
    caution_remove: "Remove these recipients",
    sending: "Sending",
    stage,
    sent: "Message sent, sealed and signed",
    sent_clear: "Message sent unsealed",
    partly_refused: |addresses| format!("Sent, but not accepted for {addresses}"),
    cancelled: "Not sent. Your message is still here.",
    discarded: "Draft discarded",
    wrote: |when, who| format!("On {when}, {who} wrote:"),
    forwarded: "Forwarded message",
    date: "Date",
    not_quoted: |why| match why {
        Unquoted::Weak => {
            "What you answer is not quoted. It was encrypted in an outdated way, and a quote could give it away to somebody who copied it."
        }
        Unquoted::Unsigned => {
            "What you answer is not quoted. Nothing proves who wrote it, and a quote could give it away to somebody who copied it."
        }
    },
    outside: "Not answered, because these addresses stood outside of the seal, where anybody could have written them on the way:",
    outside_add: "Answer them too",
    reply_prefix: "Re: ",
    forward_prefix: "Fwd: ",

    archived: |n| if n == 1 { "Message archived".into() } else { format!("{n} messages archived") },
    trashed: |n| {
        if n == 1 { "Message moved to trash".into() } else { format!("{n} messages moved to trash") }
    },
    moved: |n| if n == 1 { "Message moved".into() } else { format!("{n} messages moved") },
    destroyed: |n| if n == 1 { "Message deleted".into() } else { format!("{n} messages deleted") },
    undo: "Undo",
    dismiss: "Dismiss",
    failure,
    offline: "No connection to the mail service. What was saved is kept. Leave this page open: it will reconnect by itself.",
    ending: |day| {
        format!(
            "Your certificates are good until {day}. After that you can send nothing sealed or signed, and nobody can seal mail to you; what you have stays readable. Please tell whoever runs your mail service."
        )
    },
    ended: |day| {
        format!(
            "Your certificates ended on {day}. You can send nothing sealed or signed, and nobody can seal mail to you; what you have stays readable. Please tell whoever runs your mail service."
        )
    },
    put_off: "Remind me tomorrow",
    not_found_title: "There is nothing at this address",
    cannot_open_title: "This message cannot be opened",

    language_title: "Language",
    theme_title: "Appearance",
    theme_system: "As the system",
    theme_light: "Light",
    theme_dark: "Dark",
    recovery_title: "Recovery code",
    recovery_lead: "Your keys are in this browser. A recovery code lets you open your mail in another one, or after this one is lost. Nobody else can help you then, so make one and keep it on paper.",
    recovery_make: "Make a recovery code",
    recovery_keep: "Write it down now: it is shown only once. It replaces an earlier code: destroy that one.",
    copy: "Copy",
    copied: "Copied",
    account: "Account",
    shortcuts: "Keyboard shortcuts",
    shortcut_names: [
        "Next message",
        "Previous message",
        "Open message",
        "New message",
        "Reply",
        "Reply all",
        "Forward",
        "Archive",
        "Move to trash",
        "Find",
    ],

    yesterday: "Yesterday",
    weekdays: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    tab_title: |unread, place| {
        if unread == 0 { format!("{place} · Sealpost") } else { format!("({unread}) {place} · Sealpost") }
    },
};

fn role(role: Role) -> &'static str {
    match role {
        Role::Inbox => "Inbox",
        Role::Drafts => "Drafts",
        Role::Sent => "Sent",
        Role::Archive => "Archive",
        Role::Junk => "Junk",
        Role::Trash => "Trash",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Confidential => "Confidential",
        Status::Verified => "Signed",
        Status::EncryptedUnverified => "Encrypted, sender unknown",
        Status::Unprotected => "Not protected",
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Keys => "Making your keys",
        Stage::Vault => "Putting a sealed copy in your safe",
        Stage::Certificates => "Having your keys certified",
        Stage::Resealing => "Sealing earlier mail anew",
        Stage::Reading => "Reading attachments",
        Stage::Sealing => "Signing and sealing",
        Stage::Timestamp => "Getting a timestamp",
        Stage::Uploading => "Sending",
        Stage::Submitting => "Handing over",
        Stage::Downloading => "Fetching",
        Stage::Opening => "Opening the seal",
    }
}

fn signer_problem(problem: &SignerProblem) -> String {
    let said = match problem {
        SignerProblem::Algorithm { name, weak: true } => return format!("it uses {name}, which is too weak"),
        SignerProblem::Algorithm { name, weak: false } => {
            return format!("it uses {name}, which is not known here");
        }
        SignerProblem::RevocationUnknown => "whether the certificate was withdrawn could not be found out",
        SignerProblem::CertificateAlgorithm => {
            "a certificate is of a kind that is too weak or not known here"
        }
        SignerProblem::ContentChanged => "the message was changed after it was signed",
        SignerProblem::BadSignature => "it does not fit the signer’s certificate",
        SignerProblem::OutsideValidity => "the certificate was not valid at that time",
        SignerProblem::UnknownAuthority => "no authority known here vouches for the signer",
        SignerProblem::Revoked => "the certificate was withdrawn",
        SignerProblem::WrongUsage => "the certificate is not meant for signing mail",
        SignerProblem::NotTheSender => "the signer is not the sender of this message",
        SignerProblem::OutsideEncryption => {
            "it lies around the encryption, so the signer need not know what is inside"
        }
        SignerProblem::Malformed => "it cannot be read",
        SignerProblem::NoCertificate => "the signer’s certificate is missing",
    };
    said.into()
}

fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Offline => "The mail service cannot be reached. Check your connection and try again.".into(),
        Failure::SessionExpired => "You were signed out. Please sign in again.".into(),
        Failure::WrongPassword => "The address or the password is not right.".into(),
        Failure::AnotherAddress { address } => format!(
            "The mail service signed you in as {address}, which is not the address you typed. Do not go on; tell whoever runs the service."
        ),
        Failure::TooManyAttempts { retry_after: Some(seconds) } => {
            format!("Too many attempts. Please wait {seconds} seconds.")
        }
        Failure::TooManyAttempts { retry_after: None } => {
            "Too many attempts. Please wait a few minutes.".into()
        }
        Failure::RelayFailed { reason } => {
            format!("The mail service did not answer as it should ({reason}). Please try again later.")
        }
        Failure::RelayRefused { reason } => {
            format!("The mail service refused ({reason}). Nothing was changed.")
        }
        Failure::NotFound => "This message is not here any more. It may have been moved or deleted.".into(),
        Failure::TooLarge { limit } => too_large(*limit),
        Failure::NotARecipient => "This message is sealed to keys that are not in this browser.".into(),
        Failure::Damaged => {
            "This message was damaged or changed on its way, so nothing of it is shown. Ask the sender to send it again.".into()
        }
        Failure::Unsupported => "This message is sealed in a way that cannot be opened here yet.".into(),
        Failure::SendingUnknown => {
            "The mail service did not answer, so your letter may have been sent already. Press Send again: it will not arrive twice.".into()
        }
        Failure::NoRecipients => "Add a recipient first.".into(),
        Failure::NotAnAddress { addresses } => {
            format!("Not an email address: {}", addresses.join(", "))
        }
        Failure::RecipientWithoutCertificate { addresses } => {
            format!("Nothing was sent: mail to {} cannot be sealed.", addresses.join(", "))
        }
        Failure::SealingFailed => "Your letter could not be sealed here, so it was neither sent nor saved.".into(),
        Failure::TimestampRefused => "Nothing was sent: the signature could not be timestamped. Please try again.".into(),
        Failure::TrustChanged { .. } => {
            "The mail service shows a new identity. Reload to look at it before going on.".into()
        }
        Failure::NoKeys => "The keys for this are not in this browser.".into(),
        Failure::CertificateRefused => {
            "The mail service certified something else than your keys. Your mailbox was not set up; tell whoever runs the service.".into()
        }
        Failure::WrongCode => "This is not your recovery code. Check it for typing mistakes.".into(),
        Failure::VaultClosed => {
            "Your safe at the mail service does not open with your keys: it is damaged or was changed. Nothing in it was overwritten; tell whoever runs the service.".into()
        }
        Failure::VaultFull => "You started afresh so often that another time would destroy the oldest of your lost keys. Nothing was changed. Please look for a recovery code.".into(),
        Failure::VaultChanged => "Another browser changed your safe at the same moment. Please try again.".into(),
        Failure::StorageUnavailable => {
            "This browser does not let Sealpost store your keys. Leave private browsing or free some space, then try again.".into()
        }
        Failure::StorageNewer => "A newer Sealpost was used in this browser. Reload to get it.".into(),
        Failure::FileUnreadable { name } => format!("“{name}” could not be read. Attach it again."),
        Failure::Cancelled => "Cancelled.".into(),
        Failure::EngineLost => "Sealpost stopped working. Reload the page to go on; what was saved is kept.".into(),
    }
}

fn too_large(limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("This is too large: {} is the limit.", super::size(limit)),
        None => "This is too large: the mail service does not take it.".into(),
    }
}
