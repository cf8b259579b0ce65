//! What others report of a letter that was sent (RFC 3464, RFC 8098) shows in its submission (RFC 8621 7).

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::judge::{BAD, GOOD, World, send};
use crate::support::{
    Client, Person, Postfix, ReceivingServer, Served, eventually, holds, sealed_letter, skip,
};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";
const CAROL: &str = "carol@strict.example";

async fn submit(person: &Person, from: &str, to: &[&str]) -> String {
    let letter = sealed_letter(from, to[0], &format!("Message-ID: <known@{}>\r\n", &from[..3]));
    let email = person.import(letter, "sent", json!({})).await;
    let all = json!({"NOTIFY": "SUCCESS,FAILURE"});
    let to: Vec<Value> = to.iter().map(|address| json!({"email": address, "parameters": all})).collect();
    let envelope = json!({"mailFrom": {"email": from}, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = person.call("EmailSubmission/set", json!({"create": create})).await;
    answer["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn submission(person: &Person, id: &str) -> Value {
    person.call("EmailSubmission/get", json!({"ids": [id]})).await["list"][0].clone()
}

/// Waits until each letter is with the next server, which tells what becomes of it.
async fn passed_on(person: &Person, id: &str) -> Value {
    eventually(|| async {
        let one = submission(person, id).await;
        let all = one["deliveryStatus"].as_object().unwrap();
        all.values().all(|state| state["delivered"] != "queued").then_some(one)
    })
    .await
}

/// A report of failure, as a server would write it.
fn failure(envelope_id: &str, recipient: &str, message_id: &str) -> Vec<u8> {
    format!(
        "From: <mailer-daemon@outside.example>\r\nTo: <{ALICE}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n\
         --B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.outside.example\r\n\
         Original-Envelope-Id: {envelope_id}\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n\
         Action: failed\r\nStatus: 5.1.1\r\n\r\n--B\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         Message-ID: <{message_id}>\r\n\r\n--B--\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn what_postfix_reports_of_a_letter_shows_in_its_submission() {
    let name = "what_postfix_reports_of_a_letter_shows_in_its_submission";
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = ReceivingServer::start("550 5.1.1 nobody here").await;
    let box_of_mail = std::env::temp_dir().join(sealpost::random::id('m'));
    let id = |flag: &str| Command::new("id").args([flag, "postfix"]).output().unwrap();
    let [uid, gid] = ["-u", "-g"].map(|flag| String::from_utf8(id(flag).stdout).unwrap().trim().to_owned());
    std::fs::create_dir(&box_of_mail).unwrap();
    Command::new("chown").arg("postfix").arg(&box_of_mail).status().unwrap();
    let settings = format!(
        "transport_maps = inline:{{ {{ sealpost.example = smtp:[127.0.0.1]:{} }}, \
         {{ refused.example = smtp:[127.0.0.1]:{} }} }}\n\
         virtual_mailbox_domains = taken.example\nvirtual_mailbox_base = {}\n\
         virtual_mailbox_maps = static:all/\nvirtual_uid_maps = static:{uid}\n\
         virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\nvirtual_mailbox_limit = 0",
        port.port(),
        refusing.address.port(),
        box_of_mail.display()
    );
    let Some(postfix) = Postfix::start(&settings).await else { return skip(name, "Postfix cannot run here") };
    let smarthost = postfix.smtp.to_string();
    let here = Served::start(&["alice"], |config| {
        config.smtp_listen = port;
        config.smarthost = Some(smarthost.parse().unwrap());
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    let to = ["a+b@refused.example", "a@taken.example"];
    let id = submit(&alice, ALICE, &to).await;
    let state = alice.call("EmailSubmission/get", json!({"ids": []})).await["state"].clone();
    let told = eventually(|| async {
        let one = submission(&alice, &id).await;
        let all = one["deliveryStatus"].as_object().unwrap();
        let settled = all.values().all(|state| state["delivered"] == "no" || state["delivered"] == "yes");
        settled.then_some(one)
    })
    .await;
    std::fs::remove_dir_all(&box_of_mail).ok();
    let status = |address: &str| {
        let one = &told["deliveryStatus"][address];
        (one["delivered"].as_str().unwrap().to_owned(), one["smtpReply"].as_str().unwrap().to_owned())
    };
    let (delivered, reply) = status(to[0]);
    assert!(delivered == "no" && reply.starts_with("550 5.1.1 nobody here"), "{reply}");
    let (delivered, reply) = status(to[1]);
    assert!(delivered == "yes" && reply.starts_with("250 2.0.0"), "{reply}");
    let changes = alice.call("EmailSubmission/changes", json!({"sinceState": state})).await;
    assert_eq!(changes["updated"], json!([id]));
    // The reports themselves are in the inbox, sealed.
    let emails = alice.emails_in("inbox").await;
    let found = alice.call("Email/get", json!({"ids": emails, "properties": ["blobId"]})).await;
    let mut blobs: Vec<&Value> = found["list"].as_array().unwrap().iter().map(|one| &one["blobId"]).collect();
    let mut named: Vec<&Value> = told["dsnBlobIds"].as_array().unwrap().iter().collect();
    blobs.sort_by_key(|id| id.to_string());
    named.sort_by_key(|id| id.to_string());
    assert_eq!(named, blobs);
    assert!(!holds(&here.disk(), "Original-Envelope-Id"), "a report is kept sealed");
}

#[tokio::test]
async fn who_does_not_know_the_id_of_a_submission_changes_nothing() {
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here =
        Served::start(&["alice", "bob"], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let (alice, bob) = (here.fixture.sign_in("alice").await, here.fixture.sign_in("bob").await);
    let id = submit(&alice, ALICE, &[CAROL]).await;
    let before = passed_on(&alice, &id).await;
    let bobs = submit(&bob, BOB, &[CAROL]).await;
    let wrong = format!("{}{}", &id[..26], if id.ends_with('0') { '1' } else { '0' });
    for (from, to, report) in [
        ("", ALICE, failure(&wrong, CAROL, "known@ali")),
        ("", ALICE, failure("", CAROL, "known@ali")),
        // The recipient is no one of the submission.
        ("", ALICE, failure(&id, "dave@strict.example", "known@ali")),
        // No report has a return path.
        ("x@outside.example", ALICE, failure(&id, CAROL, "known@ali")),
        // It is somebody else's, or comes to somebody else.
        ("", ALICE, failure(&bobs, CAROL, "known@bob")),
        ("", BOB, failure(&id, CAROL, "known@ali")),
    ] {
        deliver(&here, from, to, &report).await;
    }
    assert_eq!(alice.counts("inbox").await[0], 6, "with what her own relay told her");
    assert_eq!(submission(&alice, &id).await, before);
    assert_eq!(submission(&bob, &bobs).await["deliveryStatus"][CAROL]["delivered"], "unknown");
    // The server that was given the letter knows it.
    assert!(there.taken()[0].contains(&format!("\nMAIL FROM:<{ALICE}>")), "{:?}", there.taken());
    deliver(&here, "", ALICE, &failure(&id, CAROL, "")).await;
    let after = submission(&alice, &id).await;
    assert_eq!(after["deliveryStatus"][CAROL]["smtpReply"], "550 5.1.1");
}

async fn deliver(here: &Served, from: &str, to: &str, message: &[u8]) {
    let mut client = Client::greeted(here.running.smtp).await;
    client
        .transcript(&[
            (&format!("MAIL FROM:<{from}>"), "250"),
            (&format!("RCPT TO:<{to}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(message).await;
    let reply = client.say(".\r\n").await;
    assert!(reply.starts_with("250"), "{reply}");
}

/// A notification that a letter was shown (RFC 8098).
fn shown(author: &str, recipient: &str, message_id: &str) -> Vec<u8> {
    format!(
        "From: <{author}>\r\nTo: <{ALICE}>\r\nSubject: Read\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\
         Message-ID: <mdn@strict.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=disposition-notification; boundary=B\r\n\r\n\
         --B\r\nContent-Type: text/plain\r\n\r\nIt was shown.\r\n\
         --B\r\nContent-Type: message/disposition-notification\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nOriginal-Message-ID: <{message_id}>\r\n\
         Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--B--\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_letter_counts_as_displayed_when_its_recipient_says_so_and_his_domain_proves_it() {
    let name = "a_letter_counts_as_displayed_when_its_recipient_says_so_and_his_domain_proves_it";
    let Some(world) = World::make().await else { return skip(name, "Knot or dkimpy is missing") };
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here = world.relay(|config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let alice = here.fixture.sign_in("alice").await;
    let id = submit(&alice, ALICE, &[CAROL, "dave@open.example"]).await;
    let before = passed_on(&alice, &id).await;
    let signed = world.signed("strict.example", &shown(CAROL, CAROL, "known@ali")).await;
    for (host, message) in [
        // Nobody vouches for it.
        (BAD, shown("dave@open.example", "dave@open.example", "known@ali")),
        // Carol does not speak for Dave.
        (BAD, world.signed("strict.example", &shown(CAROL, "dave@open.example", "known@ali")).await),
        (BAD, world.signed("strict.example", &shown(CAROL, CAROL, "other@ali")).await),
    ] {
        assert!(send(&here, host, "", ALICE, &message).await.starts_with("250"));
    }
    assert_eq!(submission(&alice, &id).await, before);
    assert!(send(&here, GOOD, "", ALICE, &signed).await.starts_with("250"));
    let after = submission(&alice, &id).await;
    let status = &after["deliveryStatus"];
    assert_eq!(
        (&status[CAROL]["displayed"], &status[CAROL]["delivered"]),
        (&json!("yes"), &json!("unknown"))
    );
    assert_eq!(status["dave@open.example"]["displayed"], "unknown");
    assert_eq!(after["dsnBlobIds"], before["dsnBlobIds"]);
    assert_eq!(after["mdnBlobIds"].as_array().unwrap().len(), 1);
}
