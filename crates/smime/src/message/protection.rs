//! Header protection when writing (RFC 9788 3 and 5): what the outside of a message shows.

use super::{
    address::Address,
    draft::{WrittenField, rfc5322_date},
    field::decode_text,
    headers::Headers,
    mailboxes::parse_address_list,
    reference::Reference,
};

/// A header confidentiality policy (RFC 9788 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderPolicy {
    /// `hcp_baseline`, and stricter: the subject is obscured, the time zone is hidden, and all that
    /// carries neither the message nor the thread is removed.
    #[default]
    Baseline,
    /// `hcp_shy`: display names are hidden as well.
    Shy,
}

/// How the header of a message is protected.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// The policy for the outside, or `None` for a message that is only signed, whose header is no secret.
    pub confidential: Option<HeaderPolicy>,
    /// The message that this one answers or forwards: what it kept confidential stays so (RFC 9788 6.1).
    pub reference: Option<Reference>,
    /// Shows the hidden fields in the text to programs that know no header protection (RFC 9788 5.2.2).
    pub legacy_display: bool,
    /// Keeps `Bcc` inside: for drafts and the sender's own copy, never for what is sent.
    pub keep_bcc: bool,
}

impl Protection {
    /// The `hp` parameter at the root of the Cryptographic Payload (RFC 9788 2.1.1).
    pub(crate) fn parameter(&self) -> &'static str {
        if self.confidential.is_some() { "; hp=\"cipher\"" } else { "; hp=\"clear\"" }
    }

    /// The fields of the unprotected Outer Header Section (RFC 9788 5.2.1, step 5).
    pub(crate) fn outer(&self, header: &[WrittenField]) -> Vec<WrittenField> {
        header
            .iter()
            .filter_map(|(name, value)| self.outer_value(name, value).map(|value| (name.clone(), value)))
            .collect()
    }

    /// What the inside records of the outside: nothing when nothing is confidential (RFC 9788 2.2).
    pub(crate) fn recorded_outer(&self, header: &[WrittenField]) -> Vec<WrittenField> {
        if self.confidential.is_some() { self.outer(header) } else { Vec::new() }
    }

    /// The user-facing fields that the outside hides, for a Legacy Display Element (RFC 9788 5.2.1, step 2).
    pub(crate) fn legacy_display(&self, header: &[WrittenField]) -> Vec<WrittenField> {
        if !self.legacy_display || self.confidential.is_none() {
            return Vec::new();
        }
        // RFC 9787 1.1.2: the fields a reader is shown.
        let user_facing = ["From", "To", "Cc", "Subject", "Date"];
        let hidden = header.iter().filter(|(name, value)| {
            user_facing.contains(&name.as_ref()) && self.outer_value(name, value).as_ref() != Some(value)
        });
        hidden.map(|(name, value)| (name.clone(), decode_text(value))).collect()
    }

    fn outer_value(&self, name: &str, value: &str) -> Option<String> {
        // RFC 5322 3.6.3: nobody but the sender may see Bcc, with or without encryption.
        if name == "Bcc" {
            return None;
        }
        let Some(policy) = self.confidential else { return Some(value.to_owned()) };
        let outside = policy.outer_value(name, value)?;
        match &self.reference {
            Some(reference) if outside == value => reference.outer_value(name, value),
            _ => Some(outside),
        }
    }
}

impl HeaderPolicy {
    /// The outer value of a field, or `None` where it is removed: nothing gets out that carries neither
    /// the message nor the thread, and no time zone (RFC 9788 3.2.2).
    fn outer_value(self, name: &str, value: &str) -> Option<String> {
        match name {
            "Subject" => Some(OBSCURED_SUBJECT.to_owned()),
            "From" | "To" | "Cc" | "Sender" | "Reply-To" if self == Self::Shy => Some(without_names(value)),
            "From" | "To" | "Cc" | "Sender" | "Reply-To" | "Message-ID" | "In-Reply-To" | "References" => {
                Some(value.to_owned())
            }
            "Date" if value.ends_with(" +0000") => Some(value.to_owned()),
            "Date" => Headers::date_of(value).and_then(|date| rfc5322_date(date).ok()),
            _ => None,
        }
    }
}

/// What stands outside in place of a confidential subject (RFC 9788 3.2.1).
pub(crate) const OBSCURED_SUBJECT: &str = "[...]";

fn without_names(value: &str) -> String {
    let addresses = parse_address_list(value).into_iter().map(|address| address.email);
    addresses.collect::<Vec<_>>().join(", ")
}

/// The Legacy Display Element of a text/plain part (RFC 9788 5.2.2).
pub(crate) fn legacy_text(hidden: &[WrittenField]) -> String {
    if hidden.is_empty() {
        return String::new();
    }
    hidden.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>() + "\n"
}

/// `html` with the Legacy Display Element as the first child of its body (RFC 9788 5.2.3).
pub(crate) fn legacy_html(hidden: &[WrittenField], html: &str) -> String {
    if hidden.is_empty() {
        return html.to_owned();
    }
    let lines: String = hidden.iter().map(|(name, value)| format!("{name}: {}\n", escape(value))).collect();
    let element =
        format!("<div class=\"header-protection-legacy-display\"><pre>{}</pre></div>", lines.trim_end());
    let lower = html.to_ascii_lowercase();
    let body = lower.find("<body").and_then(|start| Some(start + lower.get(start..)?.find('>')? + 1));
    match body.and_then(|at| html.split_at_checked(at)) {
        Some((before, after)) => format!("{before}{element}{after}"),
        None => format!("{element}{html}"),
    }
}

/// RFC 9788 10.3: these five at least, or a reader could not tell where the element ends.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The addresses of `value` as they may be shown outside, in order.
pub(crate) fn join_addresses(addresses: &[Address]) -> Option<String> {
    let written: Vec<String> = addresses.iter().map(Address::written).collect();
    (!written.is_empty()).then(|| written.join(", "))
}
