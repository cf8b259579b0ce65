use serde::{Deserialize, Serialize};

use crate::store::{Outgoing, StoreError};

/// What the sender asked the servers on the way for: ESMTP parameters, by recipient where they are so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameters {
    /// The sender's own name for the envelope, in xtext (RFC 3461 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envid: Option<String>,
    /// How much of the message a report returns: `FULL` or `HDRS` (RFC 3461 4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ret: Option<String>,
    /// When the recipient's fate is reported, as in `SUCCESS,FAILURE`; failure and delay when absent (RFC 3461 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// The recipient as first written, as in `rfc822;a@b.example`, in xtext (RFC 3461 4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orcpt: Option<String>,
    /// Whether every server on the way must prove itself and speak TLS (RFC 8689).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_tls: bool,
    /// From -9 to 9 (RFC 6710).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i8>,
}

impl Parameters {
    /// Those of an entry of the queue. Where the sender gives no names of his own, reports name the
    /// submission by its id, which nobody can guess, and the recipient by the address that it has there.
    ///
    /// Fails where they cannot be read: they may ask for TLS all the way.
    pub fn of(outgoing: &Outgoing) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt("parameters");
        let mut asked: Self = serde_json::from_str(&outgoing.parameters).map_err(corrupt)?;
        let Some(submission) = &outgoing.submission else { return Ok(asked) };
        asked.envid = asked.envid.or_else(|| Some(submission.as_str().to_owned()));
        if outgoing.recipient.is_ascii() {
            asked.orcpt = asked.orcpt.or_else(|| Some(format!("rfc822;{}", xtext(&outgoing.recipient))));
        }
        Ok(asked)
    }

    /// As an entry of the queue keeps them.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the sender wants to hear of this: `SUCCESS`, `FAILURE` or `DELAY`.
    pub fn wants(&self, what: &str) -> bool {
        match &self.notify {
            None => what != "SUCCESS",
            Some(notify) => notify.split(',').any(|one| one.eq_ignore_ascii_case(what)),
        }
    }
}

/// What may stand in a parameter (RFC 3461 4).
fn xtext(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("+{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_named_by_its_id_unless_the_sender_has_a_name_for_it() {
        let mut outgoing =
            Outgoing::new("a".into(), "a@a.example".into(), "b+c@b.example".into(), "g".into());
        assert_eq!(Parameters::of(&outgoing).unwrap(), Parameters::default());
        outgoing.submission = Some("s1".into());
        let asked = Parameters::of(&outgoing).unwrap();
        assert_eq!(
            (asked.envid.as_deref(), asked.orcpt.as_deref()),
            (Some("s1"), Some("rfc822;b+2Bc@b.example"))
        );
        outgoing.parameters = r#"{"envid": "mine", "orcpt": "rfc822;x@b.example"}"#.into();
        let asked = Parameters::of(&outgoing).unwrap();
        assert_eq!(
            (asked.envid.as_deref(), asked.orcpt.as_deref()),
            (Some("mine"), Some("rfc822;x@b.example"))
        );
        outgoing.parameters = r#"{"requireTls": "true"}"#.into();
        assert!(matches!(Parameters::of(&outgoing), Err(StoreError::Corrupt(_))));
    }
}
