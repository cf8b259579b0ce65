//! What a public account tells of the mail that it got (RFC 9007), and what others tell it.

use std::process::Command;

use jmap::AccountId;
use serde_json::{Value, json};

use crate::strangers::public;
use crate::support::{Person, ReceivingServer, Served, eventually, run, sealed_letter, text};

const SENDER: &str = "sender@elsewhere.example";
const NEWS: &str = "news@sealpost.example";

/// What Python's library, which others wrote, reads of a notification.
const READ: &str = "
import email, email.policy, json, sys
m = email.message_from_string(sys.stdin.read(), policy=email.policy.default)
text, fields, *original = m.iter_parts()
said = fields.get_payload()[0]
print(json.dumps({
  'type': m.get_content_type(), 'report': m.get_param('report-type'), 'from': m['From'], 'to': m['To'],
  'subject': m['Subject'], 'reply': m['In-Reply-To'], 'text': text.get_content(),
  'fields': {k: v for k, v in said.items()}, 'kind': fields.get_content_type(),
  'original': [o.get_payload()[0]['Message-ID'] for o in original],
}))
";

async fn read(taken: &str) -> Value {
    let (_, message) = taken.split_once("DATA\n").unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", READ]);
    let output = run(python, message.strip_suffix(".\n").unwrap()).await;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

/// A letter whose sender wants to hear that it was shown.
fn asking(fields: &str) -> Vec<u8> {
    format!(
        "From: <{SENDER}>\r\nTo: <{NEWS}>\r\nSubject: Opening hours\r\nMessage-ID: <q1@elsewhere.example>\r\n{fields}\r\nHi\r\n"
    )
    .into_bytes()
}

fn shown(email: &str) -> Value {
    let disposition =
        json!({"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"});
    json!({"forEmailId": email, "disposition": disposition})
}

async fn send(person: &Person, mdn: Value) -> Vec<(String, Value)> {
    let update = json!({"#k": {"keywords/$mdnsent": true}});
    person
        .calls(&[(
            "MDN/send",
            json!({"identityId": "self", "send": {"k": mdn}, "onSuccessUpdateEmail": update}),
        )])
        .await
}

#[tokio::test]
async fn a_notification_goes_to_who_asked_for_it_and_once() {
    let there = ReceivingServer::start("250 fine").await;
    let smarthost = there.address.to_string();
    let here = Served::start(&[], |config| config.smarthost = Some(smarthost.parse().unwrap())).await;
    let news = public(&here.fixture, "news").await;
    let asks = format!(
        "Disposition-Notification-To: Sender <{SENDER}>\r\nOriginal-Recipient: rfc822;info@a.example\r\n"
    );
    let email = news.import(asking(&asks), "inbox", json!({})).await;
    let mut mdn = shown(&email);
    mdn["subject"] = json!("Gelesen: \u{d6}ffnungszeiten");
    mdn["textBody"] = json!("It was shown.\n");
    mdn["reportingUA"] = json!("desk; Reader 1");
    mdn["includeOriginalMessage"] = json!(true);
    mdn["extensionFields"] = json!({"X-Place": "Lobby"});
    let answers = send(&news, mdn.clone()).await;
    assert_eq!((answers[0].0.as_str(), answers[1].0.as_str()), ("MDN/send", "Email/set"), "{answers:?}");
    let sent = &answers[0].1["sent"]["k"];
    assert_eq!(sent["finalRecipient"], format!("rfc822; {NEWS}"));
    assert_eq!(sent["originalMessageId"], "<q1@elsewhere.example>");
    assert_eq!(sent["originalRecipient"], "rfc822;info@a.example");
    assert!(sent.get("subject").is_none() && answers[0].1["notSent"].is_null());
    assert!(answers[1].1["updated"].as_object().unwrap().contains_key(&email));
    let got = news.call("Email/get", json!({"ids": [email], "properties": ["keywords"]})).await;
    assert_eq!(got["list"][0]["keywords"], json!({"$mdnsent": true}));
    // Again, and where the keyword was taken away meanwhile.
    assert_eq!(send(&news, mdn.clone()).await[0].1["notSent"]["k"]["type"], "mdnAlreadySent");
    news.call("Email/set", json!({"update": {&email: {"keywords/$mdnsent": null}}})).await;
    let again = send(&news, mdn).await;
    assert_eq!((again.len(), &again[0].1["notSent"]["k"]["type"]), (1, &json!("mdnAlreadySent")));

    let taken = eventually(|| async { there.taken().pop() }).await;
    assert!(taken.contains("MAIL FROM:<>") && taken.contains(&format!("RCPT TO:<{SENDER}>")), "{taken}");
    let read = read(&taken).await;
    assert_eq!(read["type"], "multipart/report");
    assert_eq!(read["report"], "disposition-notification");
    assert_eq!(read["kind"], "message/disposition-notification");
    assert_eq!(read["subject"], "Gelesen: \u{d6}ffnungszeiten");
    assert_eq!(read["reply"], "<q1@elsewhere.example>");
    assert_eq!(read["text"].as_str().unwrap().trim_end(), "It was shown.");
    let fields = &read["fields"];
    assert_eq!(fields["Reporting-UA"], "desk; Reader 1");
    assert_eq!(fields["Final-Recipient"], format!("rfc822; {NEWS}"));
    assert_eq!(fields["Original-Recipient"], "rfc822;info@a.example");
    assert_eq!(fields["Original-Message-ID"], "<q1@elsewhere.example>");
    assert_eq!(fields["Disposition"], "manual-action/mdn-sent-manually; displayed");
    assert_eq!(fields["X-Place"], "Lobby");
    assert_eq!(read["original"], json!(["<q1@elsewhere.example>"]));
    assert_eq!(there.taken().len(), 1);
}

#[tokio::test]
async fn one_that_cannot_be_read_for_now_is_told_apart_from_those_that_were_sent() {
    let here = Served::start(&[], |_| ()).await;
    let news = public(&here.fixture, "news").await;
    let asks = format!("Disposition-Notification-To: {SENDER}\r\n");
    let short = news.import(asking(&asks), "inbox", json!({})).await;
    let long = [asking(&asks), "It is long.\r\n".repeat(10_000).into_bytes()].concat();
    let long = news.import(long, "inbox", json!({})).await;
    let relay = &here.fixture.relay;
    let mut held = relay.reading.hold(&AccountId::from(news.account.as_str()));
    held.grow(2 * relay.limits.largest()).unwrap();
    let marked = json!({"keywords/$mdnsent": true});
    let both = json!({
        "identityId": "self",
        "send": {"a": shown(&short), "b": shown(&long)},
        "onSuccessUpdateEmail": {"#a": marked, "#b": marked},
    });
    let answers = news.calls(&[("MDN/send", both)]).await;
    assert!(answers[0].1["sent"]["a"].is_object(), "{answers:?}");
    assert_eq!(answers[0].1["notSent"]["b"]["type"], "rateLimit");
    assert_eq!(answers[1].1["updated"].as_object().unwrap().keys().collect::<Vec<_>>(), [&short]);
}

#[tokio::test]
async fn what_may_not_be_told_is_refused_by_name_and_nothing_is_sent() {
    let here = Served::start(&[], |_| ()).await;
    let news = public(&here.fixture, "news").await;
    let asks = format!("Disposition-Notification-To: {SENDER}\r\n");
    let email = news.import(asking(&asks), "inbox", json!({})).await;
    let silent = news.import(asking("X: 1\r\n"), "inbox", json!({})).await;
    let report = "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=B\r\n\r\n\
        --B\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n\
        Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--B--\r\n";
    let itself = news.import(asking(&format!("{asks}{report}")), "inbox", json!({})).await;
    let many: Vec<String> = (0..11).map(|number| format!("a{number}@b.example")).collect();
    let many = format!("Disposition-Notification-To: {}\r\n", many.join(", "));
    let many = news.import(asking(&many), "inbox", json!({})).await;
    let with = |property: &str, value: Value| {
        let mut mdn = shown(&email);
        mdn[property] = value;
        mdn
    };
    for (mdn, kind) in [
        (shown("e-nothing"), "notFound"),
        (shown(&silent), "notFound"),
        (shown(&itself), "forbidden"),
        (shown(&many), "forbidden"),
        (with("forEmailId", json!(null)), "invalidProperties"),
        (with("disposition", json!({"type": "displayed"})), "invalidProperties"),
        (with("mdnGateway", json!("x")), "invalidProperties"),
        (with("finalRecipient", json!("rfc822; other@sealpost.example")), "forbiddenFrom"),
        (with("textBody", json!("a".repeat(70_000))), "tooLarge"),
    ] {
        let answers = send(&news, mdn.clone()).await;
        assert_eq!((answers.len(), &answers[0].1["notSent"]["k"]["type"]), (1, &json!(kind)), "{mdn}");
    }
    // What would not end in the keyword.
    for update in [
        json!(null),
        json!({}),
        json!({"#k": {}}),
        json!({"#k": {"keywords/$seen": true}}),
        json!({"#k": {"keywords/$MDNSENT": true}}),
        json!({"#k": {"keywords/$mdnsent": null}}),
        json!({"#k": {"keywords/$mdnsent": true, "mailboxIds": {}}}),
        json!({"#other": {"keywords/$mdnsent": true}}),
    ] {
        let call =
            json!({"identityId": "self", "send": {"k": shown(&email)}, "onSuccessUpdateEmail": update});
        let answer = news.call("MDN/send", call).await;
        assert_eq!(answer["notSent"]["k"]["type"], "invalidProperties", "{update}");
    }
    let call = json!({"identityId": "nobody", "send": {"k": shown(&email)}});
    assert_eq!(news.refused("MDN/send", call).await, "invalidArguments");
    let without = json!({"using": [jmap::CORE, jmap::MDN], "methodCalls": [
        ["MDN/send", {"accountId": news.account, "identityId": "self", "send": {}}, "c"]]});
    let (_, answer) = news.request(without.to_string()).await;
    assert_eq!(answer["methodResponses"][0][1]["type"], "unknownMethod", "it implies Email/set");
    let got = news.call("Email/get", json!({"ids": [email], "properties": ["keywords"]})).await;
    assert_eq!(got["list"][0]["keywords"], json!({}));
}

#[tokio::test]
async fn a_notification_from_somebody_here_shows_in_the_submission_and_is_parsed() {
    let here = Served::start(&["alice"], |_| ()).await;
    let (news, press) = (public(&here.fixture, "news").await, public(&here.fixture, "press").await);
    let create = json!({"e": {
        "mailboxIds": {press.mailbox("sent").await: true}, "subject": "Embargo",
        "from": [{"email": "press@sealpost.example"}], "to": [{"email": NEWS}],
        "header:Disposition-Notification-To:asAddresses": [{"email": "press@sealpost.example"}],
        "textBody": [{"partId": "1"}], "bodyValues": {"1": {"value": "Not before ten."}},
    }});
    let submit = json!({"create": {"s": {"identityId": "self", "emailId": "#e"}}});
    let answers =
        press.calls(&[("Email/set", json!({"create": create})), ("EmailSubmission/set", submit)]).await;
    let (email, submission) = (&answers[0].1["created"]["e"]["id"], &answers[1].1["created"]["s"]["id"]);
    let received = news.emails_in("inbox").await.remove(0);
    let answers = send(&news, shown(&received)).await;
    assert!(answers[0].1["sent"]["k"].is_object(), "{answers:?}");
    let got = press.call("EmailSubmission/get", json!({"ids": [submission]})).await;
    assert_eq!(got["list"][0]["deliveryStatus"][NEWS]["displayed"], "yes", "{got}");
    let blob = got["list"][0]["mdnBlobIds"][0].clone();
    let other = press.upload(asking("")).await;
    let parsed = press.call("MDN/parse", json!({"blobIds": [blob, other, "b-nothing"]})).await;
    assert_eq!((&parsed["notParsable"], &parsed["notFound"]), (&json!([other]), &json!(["b-nothing"])));
    let mdn = &parsed["parsed"][blob.as_str().unwrap()];
    assert_eq!(mdn["forEmailId"], *email);
    assert_eq!(mdn["finalRecipient"], format!("rfc822; {NEWS}"));
    assert_eq!(mdn["disposition"], shown("x")["disposition"]);
    assert!(mdn["error"].is_null() && mdn["includeOriginalMessage"] == false, "{mdn}");
    let too_many = vec!["b"; 51];
    assert_eq!(press.refused("MDN/parse", json!({"blobIds": too_many})).await, "requestTooLarge");
}

#[tokio::test]
async fn a_sealed_account_neither_sends_nor_parses_what_the_relay_could_read() {
    let here = Served::start(&["alice"], |_| ()).await;
    let alice = here.fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(SENDER, "alice@sealpost.example", ""), "inbox", json!({})).await;
    let (_, session) = alice.get("/.well-known/jmap").await;
    assert!(session["capabilities"][jmap::MDN].is_object());
    assert!(session["accounts"][&alice.account]["accountCapabilities"].get(jmap::MDN).is_none());
    let call = json!({"identityId": "self", "send": {"k": shown(&email)}});
    assert_eq!(alice.refused("MDN/send", call).await, "accountNotSupportedByMethod");
    assert_eq!(alice.refused("MDN/parse", json!({"blobIds": []})).await, "accountNotSupportedByMethod");
}
