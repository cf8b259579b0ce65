//! What a sender asks for beside what a destination publishes (RFC 8689), and what is known of one but cannot be read.

use std::collections::BTreeMap;

use sealpost::store::{StoreError, sql};
use serde_json::{Value, json};

use crate::outside::{ALICE, reasons, status, submit, submit_letter};
use crate::strangers::public;
use crate::support::{Outside, Served, clear_letter, eventually, sealed_letter, skip};

fn queued(domain: &str, reason: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(format!("{domain}.example"), reason.to_owned())])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_letter_requires_holds_up_no_other() {
    let Some(outside) = Outside::start().await else {
        return skip("what_one_letter_requires_holds_up_no_other", "no Postfix and Knot");
    };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    submit(&alice, &["a@plain.example"], json!({"REQUIRETLS": null})).await;
    eventually(|| async { (reasons(&here).await == queued("plain", "certificate-name")).then_some(()) })
        .await;
    submit(&alice, &["b@plain.example"], Value::Null).await;
    eventually(|| async { (outside.mail().len() == 1).then_some(()) }).await;
    assert_eq!(reasons(&here).await, queued("plain", "certificate-name"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_requires_tls_goes_to_no_server_that_nothing_proves_to_be_the_domain_s() {
    let name = "what_requires_tls_goes_to_no_server_that_nothing_proves_to_be_the_domain_s";
    let Some(outside) = Outside::start().await else { return skip(name, "no Postfix and Knot") };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, &["a@unsigned.example"], json!({"REQUIRETLS": null})).await;
    let (delivered, reply) = eventually(|| async {
        let one = status(&alice, &submission).await.remove("a@unsigned.example").unwrap();
        (one.0 != "queued").then_some(one)
    })
    .await;
    assert_eq!(delivered, "no");
    assert!(reply.starts_with("550 5.7.30") && reply.contains("nothing proves that it serves"), "{reply}");
    assert!(outside.mail().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_whose_sender_needs_no_tls_goes_whatever_the_destination_publishes() {
    let name = "a_letter_whose_sender_needs_no_tls_goes_whatever_the_destination_publishes";
    let Some(outside) = Outside::start().await else { return skip(name, "no Postfix and Knot") };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let (alice, office) = (here.fixture.sign_in("alice").await, public(&here.fixture, "office").await);
    let (own, others) = ("office@sealpost.example", "x@y.example");
    let lax = |letter: Vec<u8>| [b"TLS-Required: No\r\n", letter.as_slice()].concat();
    for (person, from, letter, to) in [
        (&office, own, lax(clear_letter(own, others, "", "hello")), "lax@wrong.example"),
        (&office, own, lax(clear_letter(own, others, "", "hello")), "lax@stsname.example"),
        (&alice, ALICE, lax(sealed_letter(ALICE, others, "")), "sealed@wrong.example"),
    ] {
        submit_letter(person, from, letter, &[to], Value::Null).await;
    }
    eventually(|| async { (outside.mail().len() == 3).then_some(()) }).await;
    // The conversation that had to prove nothing carries nothing else.
    submit(&alice, &["strict@wrong.example"], Value::Null).await;
    eventually(|| async { (reasons(&here).await == queued("wrong", "dane-mismatch")).then_some(()) }).await;
    assert_eq!(outside.mail().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_waits_while_it_cannot_be_read_what_a_destination_published() {
    let name = "mail_waits_while_it_cannot_be_read_what_a_destination_published";
    let Some(outside) = Outside::start().await else { return skip(name, "no Postfix and Knot") };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    let hide = here.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("ALTER TABLE sts_policies RENAME TO hidden").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    hide.await.unwrap();
    // Without a policy it would go.
    submit(&alice, &["a@plain.example"], Value::Null).await;
    eventually(|| async { (reasons(&here).await == queued("plain", "store")).then_some(()) }).await;
    assert!(outside.mail().is_empty());
}
