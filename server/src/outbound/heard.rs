//! What others report of mail that was sent, noted in the submission it is about (RFC 8621 7).
//!
//! A report of delivery counts by the envelope id alone, which is the id of the submission: nobody guesses it,
//! and only the servers on the way were told. A report of disposition has nothing of the kind: it counts where
//! the recipient himself wrote it, as his domain proves, of a message that he got.

use std::collections::BTreeMap;

use jmap::{AccountId, BlobId, Delivered, DeliveryStatus, Displayed, SubmissionId};

use crate::address::canonical;
use crate::outer;
use crate::report::{self, Action, Delivery, Disposition, Report, Said};
use crate::store::{self, Ledger, StoreError, SubmissionRow, Tx};

/// How many reports of one kind a submission names.
const MOST_REPORTS: usize = 1000;

/// The report in a message without return path, as all reports are (RFC 3464 2, RFC 8098 3); none in what
/// nobody has to believe. `is_proved` tells whether the domain of the author vouches for him.
pub fn hear(message: &[u8], is_proved: bool) -> Option<Report> {
    let report = report::read(message)?;
    let Said::Disposition(disposition) = &report.said else { return Some(report) };
    let author = outer::sole_author(message)?;
    (is_proved && is_same(&author, &disposition.recipient)).then_some(report)
}

/// Notes in the account's submission what a report says; nothing where it is about none.
pub async fn note(
    tx: &mut Tx,
    account: &AccountId,
    report: &Report,
    blob: &BlobId,
) -> Result<(), StoreError> {
    for mut row in about(tx, account, report).await? {
        let corrupt = |_| StoreError::Corrupt("submission");
        let mut states = serde_json::from_str(&row.delivery).map_err(corrupt)?;
        let (is_about, blobs) = match &report.said {
            Said::Delivery(all) => (settle(&mut states, all), &mut row.dsn_blobs),
            Said::Disposition(one) => (show(&mut states, one), &mut row.mdn_blobs),
        };
        let mut named: Vec<BlobId> = serde_json::from_str(blobs).map_err(corrupt)?;
        if !is_about || named.len() >= MOST_REPORTS {
            continue;
        }
        named.push(blob.clone());
        *blobs = serde_json::to_string(&named).map_err(corrupt)?;
        row.delivery = serde_json::to_string(&states).map_err(corrupt)?;
        let mut ledger = Ledger::open(tx, account).await?;
        store::set_reported(tx, &mut ledger, &row).await?;
        ledger.close(tx).await?;
    }
    Ok(())
}

async fn about(tx: &mut Tx, account: &AccountId, report: &Report) -> Result<Vec<SubmissionRow>, StoreError> {
    match (&report.said, &report.envelope_id, &report.message_id) {
        (Said::Delivery(_), Some(envelope_id), _) => {
            let id = SubmissionId::from(envelope_id.clone());
            let found = match id.is_valid() {
                true => store::submission(tx.connection(), account, &id).await?,
                false => None,
            };
            Ok(found.into_iter().collect())
        }
        (Said::Disposition(_), _, Some(message_id)) => {
            store::submissions_of_message(tx.connection(), account, message_id).await
        }
        _ => Ok(Vec::new()),
    }
}

type States = BTreeMap<String, DeliveryStatus>;

/// Notes what became of each recipient; whether any is one of the submission. What was settled once stays so.
fn settle(states: &mut States, all: &[Delivery]) -> bool {
    let mut is_about = false;
    for delivery in all {
        for state in named(states, &delivery.recipients) {
            is_about = true;
            let delivered = match delivery.action {
                Action::Failed => Delivered::No,
                Action::Delivered => Delivered::Yes,
                Action::Delayed | Action::Relayed | Action::Expanded => continue,
            };
            if matches!(state.delivered, Delivered::Queued | Delivered::Unknown) {
                (state.delivered, state.smtp_reply) = (delivered, smtp_reply(delivery));
            }
        }
    }
    is_about
}

fn show(states: &mut States, Disposition { recipient, is_displayed }: &Disposition) -> bool {
    let mut is_about = false;
    for state in named(states, std::slice::from_ref(recipient)) {
        is_about = true;
        if *is_displayed {
            state.displayed = Displayed::Yes;
        }
    }
    is_about
}

/// Those whom a report names, or else the only one whom it names but for capitals: `Bob@` and `bob@` may be two (RFC 5321 2.4).
fn named<'s>(states: &'s mut States, names: &[String]) -> impl Iterator<Item = &'s mut DeliveryStatus> {
    let found = |is: fn(&str, &str) -> bool| -> Vec<String> {
        let is_named = |address: &&String| names.iter().any(|name| is(address, name));
        states.keys().filter(is_named).cloned().collect()
    };
    let mut named = found(|one, other| canonical(one) == canonical(other));
    if named.is_empty() {
        named = found(is_same);
        named.truncate(if named.len() == 1 { 1 } else { 0 });
    }
    states.iter_mut().filter(move |(address, _)| named.contains(address)).map(|(_, state)| state)
}

fn is_same(one: &str, other: &str) -> bool {
    canonical(one).eq_ignore_ascii_case(&canonical(other))
}

/// What the last server said, or as good as that where the report has it in other words.
fn smtp_reply(delivery: &Delivery) -> String {
    let said = delivery.diagnostic.as_deref().and_then(|text| text.split_once(';'));
    let (kind, text) = said.map_or(("", ""), |(kind, text)| (kind.trim(), text.trim()));
    let is_reply = text.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    if kind.eq_ignore_ascii_case("smtp") && is_reply {
        return text.to_owned();
    }
    let code = if delivery.action == Action::Failed { 550 } else { 250 };
    format!("{code} {} {text}", delivery.status).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: Action, diagnostic: Option<&str>) -> Delivery {
        Delivery {
            recipients: vec!["Alias@c.example".into(), "b@C.example".into()],
            action,
            status: "5.1.1".into(),
            diagnostic: diagnostic.map(str::to_owned),
        }
    }

    fn states(delivered: Delivered) -> States {
        let state =
            DeliveryStatus { smtp_reply: "250 fine".into(), delivered, displayed: Displayed::Unknown };
        States::from([("b@c.example".to_owned(), state)])
    }

    #[test]
    fn the_reply_is_that_of_the_last_server_or_made_of_what_is_said() {
        for (diagnostic, reply) in [
            (Some("smtp; 553 5.1.3 no"), "553 5.1.3 no"),
            (Some("X-Postfix; unknown user"), "550 5.1.1 unknown user"),
            (Some("smtp; no"), "550 5.1.1 no"),
            (None, "550 5.1.1"),
        ] {
            assert_eq!(smtp_reply(&said(Action::Failed, diagnostic)), reply);
        }
    }

    #[test]
    fn what_was_settled_once_stays_so() {
        for (before, action, after) in [
            (Delivered::Unknown, Action::Failed, Delivered::No),
            (Delivered::Queued, Action::Delivered, Delivered::Yes),
            (Delivered::Unknown, Action::Delayed, Delivered::Unknown),
            (Delivered::Yes, Action::Failed, Delivered::Yes),
            (Delivered::No, Action::Delivered, Delivered::No),
        ] {
            let mut states = states(before);
            assert!(settle(&mut states, &[said(action, None)]));
            assert_eq!(states["b@c.example"].delivered, after, "{before:?} {action:?}");
        }
    }

    #[test]
    fn capitals_tell_two_recipients_apart_and_are_no_matter_of_one() {
        let state = states(Delivered::Unknown).remove("b@c.example").unwrap();
        for (known, name, meant) in [
            (&["b@c.example", "B@c.example"][..], "B@C.example", Some("B@c.example")),
            (&["Bo@c.example", "bO@c.example"], "bo@c.example", None),
            (&["Bo@c.example", "a@c.example"], "bo@c.example", Some("Bo@c.example")),
        ] {
            let mut states: States =
                known.iter().map(|address| ((*address).to_owned(), state.clone())).collect();
            let shown = Disposition { recipient: name.into(), is_displayed: true };
            assert_eq!(show(&mut states, &shown), meant.is_some(), "{known:?}");
            let found = states.iter().filter(|(_, state)| state.displayed == Displayed::Yes);
            assert_eq!(found.map(|(address, _)| address.as_str()).next(), meant);
        }
    }

    #[test]
    fn a_report_of_somebody_else_is_not_about_the_submission() {
        let mut states = states(Delivered::Unknown);
        let other = Delivery { recipients: vec!["x@c.example".into()], ..said(Action::Failed, None) };
        assert!(!settle(&mut states, &[other]));
        assert!(!show(&mut states, &Disposition { recipient: "x@c.example".into(), is_displayed: true }));
    }
}
