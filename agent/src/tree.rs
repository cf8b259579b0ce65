//! How a message is built, for `--json`.

use serde::Serialize;
use smime::{
    SignedForm,
    message::{Node, NodeKind},
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weak: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipients: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errant: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signers: Option<Vec<NodeSignerReport>>,
    size: usize,
    children: Vec<NodeReport>,
}

#[derive(Debug, Serialize)]
struct NodeSignerReport {
    subject: String,
    key: Option<String>,
    reason: Option<&'static str>,
}

impl NodeReport {
    pub fn new(node: &Node) -> Self {
        let mut report = Self {
            kind: "unknown",
            name: None,
            weak: None,
            recipients: None,
            errant: None,
            signers: None,
            size: node.size,
            children: node.children.iter().map(Self::new).collect(),
        };
        match &node.kind {
            NodeKind::Encrypted { cipher, weak, recipients } => {
                (report.kind, report.name) = ("encrypted", Some((*cipher).to_owned()));
                (report.weak, report.recipients) = (Some(*weak), Some(*recipients));
            }
            NodeKind::Signed { form, signers } => {
                let form = if *form == SignedForm::Opaque { "opaque" } else { "detached" };
                (report.kind, report.name) = ("signed", Some(form.to_owned()));
                let signers = signers.iter().map(|signer| NodeSignerReport {
                    subject: signer.subject.clone(),
                    key: signer.key.clone(),
                    reason: signer.fault,
                });
                report.signers = Some(signers.collect());
            }
            NodeKind::Compressed => report.kind = "compressed",
            NodeKind::SealedAtDoor => report.kind = "sealed-at-door",
            NodeKind::Part { media_type, errant } => {
                (report.kind, report.name) = ("part", Some(media_type.clone()));
                report.errant = Some(*errant);
            }
            _ => {}
        }
        report
    }
}
