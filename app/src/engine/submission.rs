//! What the relay is asked to do with a sealed letter, and what its answers mean.

use std::collections::BTreeMap;

use jmap::{
    AccountId, Batch, BlobId, EmailImport, EmailSubmission, Envelope, Id, IdentityId, Import, MailboxId,
    Response, SetError, SetErrorType, SubmissionSet, keyword,
};

use super::few;
use crate::protocol::Failure;

/// A copy that goes out: its bytes at the relay and whom it is for.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The sealed message.
    pub blob: BlobId,
    /// Whom it is for.
    pub recipients: Vec<String>,
}

/// Everything of one letter that the relay is to keep and to send.
pub struct Plan<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// Who sends.
    pub identity: &'a IdentityId,
    /// The sender's address, which is the return path.
    pub sender: &'a str,
    /// Where copies wait until they are handed over.
    pub drafts: &'a MailboxId,
    /// What goes out.
    pub copies: &'a [Outgoing],
    /// The sender's own copy, if one is kept.
    pub own: Option<&'a EmailImport>,
}

/// Names the sender's own copy.
const OWN: &str = "own";

/// What became of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Emails that were kept although nothing was sent: they have to be destroyed.
    pub leftovers: Vec<String>,
    /// Addresses whose copy was not taken, with the type of the error.
    pub refused: Vec<(String, String)>,
    /// Copies that were taken, now or by an earlier attempt.
    pub taken: usize,
}

/// A message to be kept.
pub fn import(blob: BlobId, mailbox: &MailboxId, keywords: &[&str], summary: Option<String>) -> EmailImport {
    EmailImport {
        blob_id: blob,
        mailbox_ids: few([(mailbox.clone(), true)]),
        keywords: few(keywords.iter().map(|name| ((*name).to_owned(), true))),
        received_at: None,
        sealed_summary: summary,
    }
}

impl Plan<'_> {
    /// One request that imports each copy, submits it and destroys it again, and keeps the sender's own
    /// copy, which is another message. One request, so that a page that is closed cannot part them.
    pub fn batch(&self) -> Result<Batch, Failure> {
        let mut batch = Batch::default();
        let emails = self.copies.iter().enumerate().map(|(index, copy)| {
            let import = import(copy.blob.clone(), self.drafts, &[keyword::DRAFT, keyword::SEEN], None);
            (email_name(index), import)
        });
        let emails = Import { account_id: self.account.clone(), if_in_state: None, emails: few(emails) };
        batch.call(&emails).map_err(|_| broken())?;
        let mut set = SubmissionSet::new(self.account.clone());
        let mut create = BTreeMap::new();
        for (index, copy) in self.copies.iter().enumerate() {
            let submission = serde_json::to_value(self.submission(index, copy)).map_err(|_| broken())?;
            let serde_json::Value::Object(submission) = submission else { return Err(broken()) };
            create.insert(submission_name(index), submission);
        }
        set.create = Some(create);
        let names = (0..self.copies.len()).map(|index| Id::from(format!("#{}", submission_name(index))));
        set.extra.on_success_destroy_email = Some(names.collect());
        batch.call(&set).map_err(|_| broken())?;
        if let Some(own) = self.own {
            let emails = few([(OWN.to_owned(), own.clone())]);
            let own = Import { account_id: self.account.clone(), if_in_state: None, emails };
            batch.call(&own).map_err(|_| broken())?;
        }
        Ok(batch)
    }

    fn submission(&self, index: usize, copy: &Outgoing) -> EmailSubmission {
        EmailSubmission {
            id: None,
            identity_id: self.identity.clone(),
            email_id: format!("#{}", email_name(index)).into(),
            thread_id: None,
            envelope: Some(Envelope {
                mail_from: self.sender.to_owned().into(),
                rcpt_to: copy.recipients.iter().cloned().map(Into::into).collect(),
            }),
            send_at: None,
            undo_status: None,
            delivery_status: None,
        }
    }

    /// Reads the answers. A copy counts as taken only when the relay says so.
    pub fn outcome(&self, response: &Response) -> Result<Outcome, Failure> {
        let imported = response.answer::<Import>("Email/import", "c0").map_err(|_| broken())?;
        let submitted =
            response.answer::<SubmissionSet>("EmailSubmission/set", "c1").map_err(|_| broken())?;
        let created = imported.created.unwrap_or_default();
        let not_imported = imported.not_created.unwrap_or_default();
        let taken = submitted.created.unwrap_or_default();
        let not_taken = submitted.not_created.unwrap_or_default();
        let mut outcome = Outcome { leftovers: Vec::new(), refused: Vec::new(), taken: 0 };
        let mut taken_now = 0;
        for (index, copy) in self.copies.iter().enumerate() {
            let (email, submission) = (email_name(index), submission_name(index));
            if taken.contains_key(&submission) {
                outcome.taken += 1;
                taken_now += 1;
                continue;
            }
            outcome.leftovers.extend(created.get(&email).map(|email| email.id.as_str().to_owned()));
            // The relay sends a message to a recipient once: an attempt whose answer was lost went through.
            if not_taken.get(&submission).is_some_and(|error| error.kind == SetErrorType::AlreadyExists) {
                outcome.taken += 1;
                continue;
            }
            let reason = not_imported.get(&email).or_else(|| not_taken.get(&submission)).map(reason);
            let reason = reason.unwrap_or_else(|| "serverFail".into());
            outcome.refused.extend(copy.recipients.iter().map(|address| (address.clone(), reason.clone())));
        }
        // The sender's copy of a letter that went out earlier was kept then.
        if taken_now == 0
            && let Ok(own) = response.answer::<Import>("Email/import", "c2")
        {
            let own = own.created.unwrap_or_default().into_values();
            outcome.leftovers.extend(own.map(|email| email.id.as_str().to_owned()));
        }
        Ok(outcome)
    }
}

/// What a failure means once the relay was asked to send: where it gave no answer, nobody knows.
pub fn after_asking(failure: Failure) -> Failure {
    match failure {
        Failure::Offline | Failure::RelayFailed { .. } => Failure::SendingUnknown,
        known => known,
    }
}

/// What a set error means to the user.
pub fn set_failure(error: &SetError) -> Failure {
    match error.kind {
        SetErrorType::NotFound => Failure::NotFound,
        SetErrorType::TooLarge => Failure::TooLarge { limit: error.max_size },
        _ => Failure::RelayRefused { reason: reason(error) },
    }
}

/// The error's name on the wire.
fn reason(error: &SetError) -> String {
    let name = serde_json::to_value(error.kind).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_else(|| "serverFail".into())
}

fn email_name(index: usize) -> String {
    format!("e{index}")
}

fn submission_name(index: usize) -> String {
    format!("s{index}")
}

fn broken() -> Failure {
    Failure::RelayFailed { reason: "malformedAnswer".into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Outgoing, Plan, after_asking};
    use crate::protocol::Failure;

    fn copies() -> [Outgoing; 2] {
        [
            Outgoing { blob: "b0".into(), recipients: vec!["a@x.example".into(), "b@x.example".into()] },
            Outgoing { blob: "b1".into(), recipients: vec!["hidden@x.example".into()] },
        ]
    }

    fn with_plan<R>(then: impl FnOnce(&Plan<'_>) -> R) -> R {
        let (account, identity, drafts) = ("A".into(), "I".into(), "D".into());
        let copies = copies();
        let own = super::import("b2".into(), &"S".into(), &["$seen"], None);
        then(&Plan {
            own: Some(&own),
            account: &account,
            identity: &identity,
            sender: "me@x.example",
            drafts: &drafts,
            copies: &copies,
        })
    }

    #[test]
    fn hidden_recipients_are_in_no_envelope_but_their_own() {
        let request = with_plan(|plan| plan.batch().unwrap().into_request());
        let wire = serde_json::to_value(request).unwrap();
        let submissions = &wire["methodCalls"][1][1];
        assert_eq!(submissions["create"]["s0"]["envelope"]["rcptTo"].as_array().unwrap().len(), 2);
        assert_eq!(submissions["create"]["s0"]["emailId"], "#e0");
        assert_eq!(submissions["create"]["s1"]["envelope"]["rcptTo"][0]["email"], "hidden@x.example");
        assert_eq!(submissions["onSuccessDestroyEmail"], json!(["#s0", "#s1"]));
        assert!(!submissions["create"]["s0"].to_string().contains("hidden"));
    }

    fn response(submission: serde_json::Value) -> jmap::Response {
        let email = |id: &str| json!({"id": id, "blobId": "b", "threadId": "t", "size": 1});
        serde_json::from_value(json!({"sessionState": "1", "methodResponses": [
            ["Email/import", {"accountId": "A", "oldState": "1", "newState": "2",
                "created": {"e0": email("E0"), "e1": email("E1")}, "notCreated": null}, "c0"],
            submission,
            ["Email/import", {"accountId": "A", "oldState": "2", "newState": "3",
                "created": {"own": email("E2")}, "notCreated": null}, "c2"],
        ]}))
        .unwrap()
    }

    #[test]
    fn a_refused_copy_is_told_by_address_and_taken_back() {
        let response = response(json!(["EmailSubmission/set", {"accountId": "A", "oldState": "1",
            "newState": "2", "created": {"s0": {"id": "S0"}}, "updated": null, "destroyed": null,
            "notCreated": {"s1": {"type": "invalidRecipients"}}, "notUpdated": null,
            "notDestroyed": null}, "c1"]));
        let outcome = with_plan(|plan| plan.outcome(&response)).unwrap();
        assert_eq!(outcome.taken, 1);
        assert_eq!(outcome.refused, [("hidden@x.example".to_owned(), "invalidRecipients".to_owned())]);
        assert_eq!(outcome.leftovers, ["E1"]);
    }

    #[test]
    fn nothing_is_kept_of_a_letter_that_nobody_got() {
        let refused = json!({"type": "invalidRecipients"});
        let response = response(json!(["EmailSubmission/set", {"accountId": "A", "oldState": "1",
            "newState": "1", "created": null, "updated": null, "destroyed": null,
            "notCreated": {"s0": refused, "s1": refused}, "notUpdated": null, "notDestroyed": null}, "c1"]));
        let outcome = with_plan(|plan| plan.outcome(&response)).unwrap();
        assert_eq!((outcome.taken, outcome.refused.len()), (0, 3));
        assert_eq!(outcome.leftovers, ["E0", "E1", "E2"]);
    }

    #[test]
    fn a_letter_that_went_out_before_counts_as_sent_and_is_kept_once() {
        let before = json!({"type": "alreadyExists"});
        let response = response(json!(["EmailSubmission/set", {"accountId": "A", "oldState": "1",
            "newState": "1", "created": null, "updated": null, "destroyed": null,
            "notCreated": {"s0": before, "s1": before}, "notUpdated": null, "notDestroyed": null}, "c1"]));
        let outcome = with_plan(|plan| plan.outcome(&response)).unwrap();
        assert_eq!((outcome.taken, outcome.refused.len()), (2, 0));
        assert_eq!(outcome.leftovers, ["E0", "E1", "E2"]);
    }

    #[test]
    fn an_answer_that_says_nothing_counts_as_not_sent() {
        let response = response(json!(["error", {"type": "serverFail"}, "c1"]));
        let outcome = with_plan(|plan| plan.outcome(&response));
        assert!(matches!(outcome, Err(Failure::RelayFailed { .. })));
        assert_eq!(outcome.map_err(after_asking), Err(Failure::SendingUnknown));
        let refused = Failure::RelayRefused { reason: "limit".into() };
        assert_eq!(after_asking(refused.clone()), refused);
    }
}
