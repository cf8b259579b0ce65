//! `path`: whether a certificate leads to a root (RFC 5280 6), and how.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use const_oid::ObjectIdentifier;
use serde::Serialize;
use smime::{
    Certificate, PathError, SignerError, VerifiedPath,
    aws_lc::AwsLc,
    block_on_ready,
    message::SignerFault,
    path::{Policies, Query, validate},
};

use crate::{
    arguments::PathArguments,
    files,
    report::{one_line, rfc3339, to_json},
};

#[derive(Debug, Serialize)]
struct PathReport {
    valid: bool,
    reason: Option<&'static str>,
    explanation: Option<String>,
    /// An algorithm on a valid path that no longer proves anything.
    weak: Option<&'static str>,
    path: Vec<Link>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    subject: String,
    issuer: String,
    serial: String,
    not_before: Option<String>,
    not_after: Option<String>,
}

pub fn run(arguments: &PathArguments) -> Result<()> {
    let certificates = files::strangers(&arguments.certificate)?;
    let Some((Some(leaf), rest)) = certificates.split_first() else {
        let explanation = "the certificate is not well-formed";
        return PathReport::not_valid("malformed", explanation.to_owned()).print(arguments.json);
    };
    // A file may hold the whole chain; what follows the first certificate helps to find the path. What
    // cannot be read helps nobody, and nobody has to keep strangers from sending it.
    let mut others = Vec::new();
    for path in &arguments.untrusted {
        others.extend(files::strangers(path)?.into_iter().flatten());
    }
    others.extend(rest.iter().flatten().cloned());
    let anchors = files::certificates(&arguments.trust)?;
    let lists = files::revocation_lists(&arguments.crl);
    let known = lists.and_then(|lists| Ok([lists, files::ocsp_responses(&arguments.ocsp)?].concat()));
    let revocations = match known {
        // Passed over, a list or response would leave what it revokes unrevoked.
        Err(error) if !error.is::<io::Error>() => {
            return PathReport::not_valid("revocation-unknown", error.to_string()).print(arguments.json);
        }
        known => known?,
    };
    let mut query = Query::new(arguments.purpose.into(), files::now(arguments.at)?);
    query.policies = policies(arguments)?;
    query.revocation_required = !revocations.is_empty();
    let outcome = block_on_ready(validate(&AwsLc, leaf, &anchors, &others, &revocations, &query));
    PathReport::new(outcome).print(arguments.json)
}

fn policies(arguments: &PathArguments) -> Result<Policies> {
    let parse = |text: &String| {
        ObjectIdentifier::new(text).ok().with_context(|| format!("{text} is not an object identifier"))
    };
    Ok(Policies {
        initial: arguments.policy.iter().map(parse).collect::<Result<_>>()?,
        require_explicit: arguments.require_explicit_policy,
        inhibit_mapping: arguments.inhibit_policy_mapping,
        inhibit_any: arguments.inhibit_any_policy,
    })
}

impl PathReport {
    fn new(outcome: Result<VerifiedPath, PathError>) -> Self {
        match outcome {
            Ok(path) => {
                let weak = path.weakness();
                let path = path.certificates().iter().map(Link::new).collect();
                Self { valid: true, reason: None, explanation: None, weak, path }
            }
            Err(error) => {
                let explanation = error.to_string();
                Self::not_valid(SignerFault::Signature(SignerError::Path(error)).code(), explanation)
            }
        }
    }

    fn not_valid(reason: &'static str, explanation: String) -> Self {
        Self {
            valid: false,
            reason: Some(reason),
            explanation: Some(explanation),
            weak: None,
            path: Vec::new(),
        }
    }

    fn print(&self, as_json: bool) -> Result<()> {
        let mut output = if as_json { to_json(self)? } else { self.as_text() };
        output.push('\n');
        io::stdout().write_all(output.as_bytes()).context("standard output cannot be written")
    }

    fn as_text(&self) -> String {
        let mut lines = vec![match (&self.explanation, self.weak) {
            (None, None) => "Valid".to_owned(),
            (None, Some(weak)) => format!("Valid, by {weak}, which no longer proves anything"),
            (Some(reason), _) => format!("Not valid: {reason}"),
        }];
        lines.extend(self.path.iter().map(|link| link.subject.clone()));
        lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
    }
}

impl Link {
    fn new(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            serial: certificate.serial_hex(),
            not_before: rfc3339(certificate.not_before()),
            not_after: rfc3339(certificate.not_after()),
        }
    }
}
