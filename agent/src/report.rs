//! The result as JSON, whose shape is a contract (see README.md), and as text.

use std::collections::BTreeMap;

use crate::tree::NodeReport;
use serde::Serialize;
use smime::{
    UnixTime,
    ess::{ListExpansion, Receipt, RequestedReceipt, SecurityLabel},
    message::{
        Address, Disposition, Headers, Kind, Layer, Opened, Part, Role, SignerReport, TimestampReport,
        is_bidi_control,
    },
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    status: &'static str,
    signers: Vec<Signer>,
    headers: BTreeMap<String, String>,
    header_protection: BTreeMap<String, &'static str>,
    from_mismatch: Option<FromMismatch>,
    recipients_unprotected: bool,
    parts: Vec<PartReport>,
    sealed_at_door: bool,
    weak: bool,
    layers: Vec<String>,
    kind: &'static str,
    label: Option<Label>,
    label_fault: Option<String>,
    receipt_requested: Option<ReceiptRequested>,
    receipt: Option<ReceiptReport>,
    tree: NodeReport,
}

/// A security label (RFC 2634 3).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    policy: String,
    classification: Option<u16>,
    privacy_mark: Option<String>,
    categories: Vec<String>,
}

/// What a message asks for (RFC 2634 2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptRequested {
    content_identifier: String,
    to: Vec<String>,
}

/// What a receipt says; `valid` is `null` as long as it was not held against what was sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptReport {
    content_identifier: String,
    valid: Option<bool>,
    explanation: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Signer {
    emails: Vec<String>,
    subject: String,
    issuer: String,
    valid: bool,
    reason: Option<&'static str>,
    explanation: Option<String>,
    signed_at: Option<String>,
    timestamp: Option<Timestamp>,
    on_behalf_of: Option<String>,
}

#[derive(Debug, Serialize)]
struct Timestamp {
    time: Option<String>,
    authority: Option<String>,
    valid: bool,
}

#[derive(Debug, Serialize)]
struct FromMismatch {
    outer: String,
    inner: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartReport {
    id: String,
    #[serde(rename = "type")]
    media_type: String,
    name: Option<String>,
    disposition: Option<&'static str>,
    content_id: Option<String>,
    size: usize,
    body: bool,
    text: Option<String>,
    file: Option<String>,
}

impl Report {
    /// `files` are the names under which the parts were saved, in their order.
    pub fn new(opened: &Opened, files: Option<&[String]>) -> Self {
        let headers = &opened.headers;
        let parts =
            opened.parts.iter().enumerate().map(|(index, part)| {
                PartReport::new(part, files.and_then(|files| files.get(index)).cloned())
            });
        Self {
            status: opened.status.code(),
            signers: opened.signers.iter().map(|signer| Signer::new(signer, headers)).collect(),
            headers: fields(headers),
            header_protection: protection(headers),
            from_mismatch: headers.from_mismatch.as_ref().map(|mismatch| FromMismatch {
                outer: address_list(&mismatch.outer),
                inner: address_list(&mismatch.inner),
            }),
            recipients_unprotected: headers.recipients_unprotected,
            parts: parts.collect(),
            sealed_at_door: opened.sealed_at_door,
            weak: opened.weak,
            layers: opened.layers.iter().map(layer).collect(),
            kind: match &opened.kind {
                Kind::Certificates => "certificates",
                Kind::Receipt(_) => "receipt",
                _ => "letter",
            },
            label: opened.label().ok().flatten().map(Label::new),
            label_fault: opened.label().err().map(|fault| fault.to_string()),
            receipt_requested: opened
                .requested_receipt()
                .map(|requested| ReceiptRequested::new(requested, opened.lists().unwrap_or_default())),
            receipt: match &opened.kind {
                Kind::Receipt(receipt) => Some(ReceiptReport::new(receipt)),
                _ => None,
            },
            tree: NodeReport::new(&opened.tree),
        }
    }

    /// Adds what came of holding the receipt against what was sent: why it proves nothing, if so.
    pub fn judge_receipt(&mut self, fault: Option<String>) {
        if let Some(receipt) = &mut self.receipt {
            (receipt.valid, receipt.explanation) = (Some(fault.is_none()), fault);
        }
    }

    /// The same for people.
    pub fn as_text(&self) -> String {
        let mut lines = vec![format!("Status: {}", self.status)];
        if let Some(label) = &self.label {
            let step = label.classification.map(|step| format!(" {step}")).unwrap_or_default();
            let mark = label.privacy_mark.as_deref().map(|mark| format!(" {mark}")).unwrap_or_default();
            lines.push(format!("Label: {}{step}{mark}", label.policy));
        }
        if let Some(fault) = &self.label_fault {
            lines.push(format!("Warning: {fault}"));
        }
        if let Some(mismatch) = &self.from_mismatch {
            lines.push(format!("Warning: the message claims to be from {}", mismatch.inner));
        }
        if self.recipients_unprotected {
            lines.push(
                "Warning: whoever carried the message could write the addresses that an answer goes to"
                    .to_owned(),
            );
        }
        for signer in &self.signers {
            let who = if signer.subject.is_empty() { "unknown" } else { &signer.subject };
            let verdict = match &signer.explanation {
                None => "valid".to_owned(),
                Some(reason) => format!("not valid: {reason}"),
            };
            lines.push(format!("Signer: {who} ({verdict})"));
        }
        for name in ["from", "to", "cc", "date", "subject"] {
            if let Some(value) = self.headers.get(name) {
                lines.push(format!("{name}: {value}"));
            }
        }
        for part in &self.parts {
            let name = part.name.as_deref().unwrap_or("-");
            lines.push(format!("Part {}: {} {} bytes {name}", part.id, part.media_type, part.size));
        }
        let mut lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
        let text = self.parts.iter().find_map(|part| part.text.as_deref()).unwrap_or_default();
        lines.push(String::new());
        lines.push(printable(text));
        lines.join("\n")
    }
}

/// Text without the controls that would steer a terminal, and the marks that would turn it around.
fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !steers(*c)).collect()
}

/// The same on one line, so that nothing of it passes for another line.
pub fn one_line(text: &str) -> String {
    printable(&text.replace(['\n', '\u{2028}', '\u{2029}'], " "))
}

/// JSON in which everything that would steer a terminal is escaped; what it says stays the same.
pub fn to_json(report: &impl Serialize) -> serde_json::Result<String> {
    let mut json = String::new();
    for c in serde_json::to_string_pretty(report)?.chars() {
        // Controls below U+0020 are escaped already but for the line ends between values, which are JSON's own.
        if c != '\n' && steers(c) {
            json.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            json.push(c);
        }
    }
    Ok(json)
}

fn steers(c: char) -> bool {
    c.is_control() || is_bidi_control(c)
}

/// Every field once, by its name in lower case, decoded; the author is the one to be shown.
fn fields(headers: &Headers) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for field in &headers.fields {
        fields.entry(field.name.to_ascii_lowercase()).or_insert_with(|| field.text());
    }
    if !headers.from.is_empty() {
        fields.insert("from".to_owned(), address_list(&headers.from));
    }
    fields
}

fn protection(headers: &Headers) -> BTreeMap<String, &'static str> {
    let mut protection = BTreeMap::new();
    for field in &headers.fields {
        protection.entry(field.name.to_ascii_lowercase()).or_insert_with(|| field.protection.code());
    }
    protection
}

impl Label {
    fn new(label: &SecurityLabel) -> Self {
        Self {
            policy: label.policy.to_string(),
            classification: label.classification.map(|step| step.0),
            privacy_mark: label.privacy_mark.clone(),
            categories: label.categories.iter().map(|category| category.kind.to_string()).collect(),
        }
    }
}

impl ReceiptRequested {
    fn new(requested: &RequestedReceipt, lists: &[ListExpansion]) -> Self {
        let content_identifier = hex(&requested.request().content_identifier);
        Self { content_identifier, to: requested.recipients(lists) }
    }
}

impl ReceiptReport {
    fn new(receipt: &Receipt) -> Self {
        let content_identifier = hex(&receipt.content_identifier);
        Self { content_identifier, valid: None, explanation: None }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signer {
    fn new(signer: &SignerReport, headers: &Headers) -> Self {
        Self {
            emails: signer.emails.clone(),
            subject: signer.subject.clone(),
            issuer: signer.issuer.clone(),
            valid: signer.valid,
            reason: signer.reason.as_ref().map(smime::message::SignerFault::code),
            explanation: signer.reason.as_ref().map(ToString::to_string),
            signed_at: signer.signed_at.and_then(rfc3339),
            timestamp: signer.timestamp.as_ref().map(Timestamp::new),
            on_behalf_of: (!matches!(signer.role, None | Some(Role::Author))
                && !headers.on_behalf_of.is_empty())
            .then(|| address_list(&headers.on_behalf_of)),
        }
    }
}

impl Timestamp {
    fn new(timestamp: &TimestampReport) -> Self {
        Self {
            time: timestamp.time.and_then(rfc3339),
            authority: timestamp.authority.clone(),
            valid: timestamp.fault.is_none(),
        }
    }
}

impl PartReport {
    fn new(part: &Part, file: Option<String>) -> Self {
        Self {
            id: part.id.clone(),
            media_type: part.media_type.clone(),
            name: part.name.clone(),
            disposition: match part.disposition {
                Disposition::Inline => Some("inline"),
                Disposition::Attachment => Some("attachment"),
                Disposition::Unsaid => None,
            },
            content_id: part.content_id.clone(),
            size: part.data.len(),
            body: part.is_body,
            text: part.is_body.then(|| part.text()),
            file,
        }
    }
}

fn layer(layer: &Layer) -> String {
    match layer {
        Layer::Encrypted { weak: true, .. } => "weakly-encrypted",
        Layer::Encrypted { .. } => "encrypted",
        Layer::Signed { .. } => "signed",
        Layer::Compressed => "compressed",
        Layer::SealedAtDoor => "sealed-at-door",
        _ => "unknown",
    }
    .to_owned()
}

/// Names are quoted where a reader could take part of one for an address.
fn address_list(addresses: &[Address]) -> String {
    let written = addresses.iter().map(|address| match &address.name {
        Some(name) if address.email.is_empty() => name.clone(),
        Some(name) if name.contains(['@', ',', ';', ':', '<', '>', '"', '\\', '(', ')', '[', ']']) => {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{quoted}\" <{}>", address.email)
        }
        Some(name) => format!("{name} <{}>", address.email),
        None => address.email.clone(),
    });
    written.collect::<Vec<_>>().join(", ")
}

pub fn rfc3339(time: UnixTime) -> Option<String> {
    let seconds = i64::try_from(time.0).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}
