//! What the relay is asked to do with a sealed letter, and what its answers mean.

use std::collections::BTreeMap;

use jmap::{
    AccountId, Batch, BlobId, Email, EmailImport, EmailSubmission, Envelope, Id, IdentityId, Import,
    MailboxId, Patch, Response, Set, SetError, SetErrorType, SubmissionSet, keyword,
};
use serde_json::Value;

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
    /// What the sender keeps, if anything: one of the copies, or another message.
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
    /// The copy that its sender keeps, if it still lies where it waited, and what is to become of it.
    pub unmoved: Option<(Id, Patch)>,
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
    /// One request that imports each copy, submits it and destroys it again, unless the sender keeps it, and imports
    /// what the sender keeps otherwise. One request, so that a page that is closed cannot part them.
    pub fn batch(&self) -> Result<Batch, Failure> {
        let mut batch = Batch::default();
        let kept = self.kept();
        let emails = self.copies.iter().enumerate().map(|(index, copy)| {
            let mut email = import(copy.blob.clone(), self.drafts, &[keyword::DRAFT, keyword::SEEN], None);
            if let Some(own) = self.own.filter(|_| kept == Some(index)) {
                email.keywords.extend(own.keywords.clone());
                email.sealed_summary.clone_from(&own.sealed_summary);
            }
            (email_name(index), email)
        });
        let emails = Import { account_id: self.account.clone(), if_in_state: None, emails: few(emails) };
        batch.call(&emails).map_err(|_| broken())?;
        let mut set = SubmissionSet::new(self.account.clone());
        let mut create = BTreeMap::new();
        for (index, copy) in self.copies.iter().enumerate() {
            let submission = serde_json::to_value(self.submission(index, copy)).map_err(|_| broken())?;
            let Value::Object(submission) = submission else { return Err(broken()) };
            create.insert(submission_name(index), submission);
        }
        set.create = Some(create);
        let name = |index| Id::from(format!("#{}", submission_name(index)));
        let others = (0..self.copies.len()).filter(|index| kept != Some(*index));
        set.extra.on_success_destroy_email = Some(others.map(name).collect());
        set.extra.on_success_update_email =
            kept.zip(self.own).map(|(kept, own)| few([(name(kept), self.sent(own))]));
        batch.call(&set).map_err(|_| broken())?;
        if let Some(own) = self.own.filter(|_| kept.is_none()) {
            let emails = few([(OWN.to_owned(), own.clone())]);
            let own = Import { account_id: self.account.clone(), if_in_state: None, emails };
            batch.call(&own).map_err(|_| broken())?;
        }
        Ok(batch)
    }

    /// Which copy its sender keeps, if that is one of them.
    fn kept(&self) -> Option<usize> {
        self.copies.iter().position(|copy| self.own.is_some_and(|own| own.blob_id == copy.blob))
    }

    /// What becomes of the copy that its sender keeps, once it was submitted.
    fn sent(&self, own: &EmailImport) -> Patch {
        let into = own.mailbox_ids.keys().map(|mailbox| (format!("mailboxIds/{mailbox}"), Value::Bool(true)));
        let no_longer = [format!("mailboxIds/{}", self.drafts), format!("keywords/{}", keyword::DRAFT)];
        few(into.chain(no_longer.map(|path| (path, Value::Null))))
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
        // RFC 8621 7.5: what was to happen on success is answered under the same id.
        let moved = response.answer::<Set<Email>>("Email/set", "c1").ok().and_then(|answer| answer.updated);
        let moved = moved.unwrap_or_default();
        let mut outcome = Outcome { leftovers: Vec::new(), refused: Vec::new(), taken: 0, unmoved: None };
        let mut taken_now = 0;
        for (index, copy) in self.copies.iter().enumerate() {
            let (email, submission) = (email_name(index), submission_name(index));
            if taken.contains_key(&submission) {
                outcome.taken += 1;
                taken_now += 1;
                if self.kept() == Some(index) {
                    let id = created.get(&email).map(|email| Id::from(email.id.as_str()));
                    let id = id.filter(|id| !moved.contains_key(id));
                    outcome.unmoved = id.zip(self.own.map(|own| self.sent(own)));
                }
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
        with_plan_of(&copies(), "b2", then)
    }

    fn with_plan_of<R>(copies: &[Outgoing], own: &str, then: impl FnOnce(&Plan<'_>) -> R) -> R {
        let (account, identity, drafts) = ("A".into(), "I".into(), "D".into());
        let own = super::import(own.into(), &"S".into(), &["$seen", "asked"], Some("summary".into()));
        then(&Plan {
            own: Some(&own),
            account: &account,
            identity: &identity,
            sender: "me@x.example",
            drafts: &drafts,
            copies,
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

    #[test]
    fn the_copy_that_its_sender_keeps_is_imported_once_and_moves_to_sent() {
        let one = &copies()[..1];
        let wire = serde_json::to_value(with_plan_of(one, "b0", |plan| plan.batch().unwrap().into_request()));
        let wire = wire.unwrap();
        let calls = wire["methodCalls"].as_array().unwrap();
        assert_eq!(calls.len(), 2);
        let email = &calls[0][1]["emails"]["e0"];
        assert_eq!(email["mailboxIds"], json!({"D": true}));
        assert_eq!(email["keywords"], json!({"$draft": true, "$seen": true, "asked": true}));
        assert_eq!(email["sealedSummary"], "summary");
        assert_eq!(calls[1][1]["onSuccessDestroyEmail"], json!([]));
        let moved = json!({"mailboxIds/S": true, "mailboxIds/D": null, "keywords/$draft": null});
        assert_eq!(calls[1][1]["onSuccessUpdateEmail"], json!({"#s0": moved}));
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
    fn a_kept_copy_that_was_not_moved_to_sent_is_told_of() {
        let answer = |call: &str, rest: serde_json::Value| {
            let mut answer = json!({"accountId": "A", "oldState": "1", "newState": "2", "created": null, "updated": null,
                "destroyed": null, "notCreated": null, "notUpdated": null, "notDestroyed": null});
            answer.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            json!([call, answer, "c1"])
        };
        let email = json!({"id": "E0", "blobId": "b", "threadId": "t", "size": 1});
        let outcome = |moved: serde_json::Value| {
            let response: jmap::Response = serde_json::from_value(json!({"sessionState": "1", "methodResponses": [
                ["Email/import", {"accountId": "A", "oldState": "1", "newState": "2", "created": {"e0": email},
                    "notCreated": null}, "c0"],
                answer("EmailSubmission/set", json!({"created": {"s0": {"id": "S0"}}})),
                answer("Email/set", moved),
            ]}))
            .unwrap();
            with_plan_of(&copies()[..1], "b0", |plan| plan.outcome(&response)).unwrap()
        };
        assert_eq!(outcome(json!({"updated": {"E0": null}})).unmoved, None);
        let (id, patch) = outcome(json!({"notUpdated": {"E0": {"type": "notFound"}}})).unmoved.unwrap();
        assert_eq!((id.as_str(), &patch["mailboxIds/S"]), ("E0", &json!(true)));
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
