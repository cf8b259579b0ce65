//! What is each user's own in an account that several have open.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jmap::AccountId;
use sealpost::check::check;
use sealpost::progress::Progress;
use sealpost::{people, store};
use serde_json::{Value, json};

use crate::operator::well;
use crate::push::Events;
use crate::support::{Fixture, Person, Served, json_of, sealed_letter};

const BOB: &str = "bob@sealpost.example";

/// Bob, and alice as he appears to her: her session, his account.
async fn shared(may_write: bool) -> (Fixture, Person, Person) {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    fixture.share(&bob, &alice, may_write).await;
    let alice = Person { account: bob.account.clone(), ..alice };
    (fixture, bob, alice)
}

async fn subscribed(person: &Person) -> Vec<String> {
    let query = json!({"filter": {"isSubscribed": true}, "sort": [{"property": "name"}]});
    let found = person.call("Mailbox/query", query).await["ids"].clone();
    let got = person.call("Mailbox/get", json!({"ids": null, "properties": ["name", "isSubscribed"]})).await;
    let said = got["list"].as_array().unwrap().iter().filter(|mailbox| mailbox["isSubscribed"] == true);
    assert_eq!(said.count(), found.as_array().unwrap().len(), "get and query agree");
    let name = |id: &Value| got["list"].as_array().unwrap().iter().find(|mailbox| mailbox["id"] == *id);
    let names = found.as_array().unwrap().iter().map(|id| name(id).unwrap()["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

async fn state(person: &Person) -> Value {
    person.call("Mailbox/get", json!({"ids": []})).await["state"].clone()
}

async fn since(person: &Person, state: &Value) -> Value {
    person.call("Mailbox/changes", json!({"sinceState": state})).await
}

#[tokio::test]
async fn whoever_may_open_an_account_has_subscriptions_of_their_own() {
    for may_write in [false, true] {
        let (fixture, bob, alice) = shared(may_write).await;
        let all = subscribed(&bob).await;
        assert!(all.len() > 3, "of one's own account: {all:?}");
        assert_eq!(subscribed(&alice).await, [""; 0], "RFC 8621 2: not to what is another's");
        let (inbox, sent) = (bob.mailbox("inbox").await, bob.mailbox("sent").await);
        let on = json!({"update": {&inbox: {"isSubscribed": true}, &sent: {"isSubscribed": true}}});
        let set = alice.call("Mailbox/set", on).await;
        assert_eq!(set["updated"].as_object().map(|map| map.len()), Some(2), "{set}");
        bob.call("Mailbox/set", json!({"update": {&sent: {"isSubscribed": false}}})).await;
        assert_eq!(subscribed(&alice).await, ["Inbox", "Sent"]);
        assert_eq!(subscribed(&bob).await.len(), all.len() - 1);
        bob.call("Mailbox/set", json!({"destroy": [sent]})).await;
        assert_eq!(subscribed(&alice).await, ["Inbox"]);
        let report = check(&fixture.relay, false, &Progress::silent()).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}

#[tokio::test]
async fn who_may_only_read_subscribes_and_changes_nothing_else() {
    let (_fixture, bob, alice) = shared(false).await;
    let inbox = bob.mailbox("inbox").await;
    for other in [
        json!({"update": {&inbox: {"isSubscribed": true, "name": "Mine"}}}),
        json!({"update": {&inbox: {"isSubscribed": true}}, "destroy": [inbox]}),
        json!({"update": {&inbox: {"isSubscribed": true}}, "create": {"k": {"name": "Mine"}}}),
        json!({"create": {"k": {"name": "Mine"}}}),
        json!({}),
    ] {
        assert_eq!(alice.refused("Mailbox/set", other).await, "accountReadOnly");
    }
    let wrong = json!({"update": {&inbox: {"isSubscribed": "yes"}, "m-none": {"isSubscribed": true}}});
    let set = alice.call("Mailbox/set", wrong).await;
    assert_eq!(set["notUpdated"][&inbox]["type"], "invalidProperties");
    assert_eq!(set["notUpdated"]["m-none"]["type"], "notFound");
    assert_eq!(subscribed(&alice).await, [""; 0]);
}

#[tokio::test]
async fn who_makes_a_mailbox_is_subscribed_to_it() {
    let (_fixture, bob, alice) = shared(true).await;
    let create = json!({"one": {"name": "One"}, "two": {"name": "Two", "isSubscribed": false}});
    let made = alice.call("Mailbox/set", json!({"create": create})).await;
    assert_eq!(made["created"]["one"]["isSubscribed"], true, "{made}");
    assert_eq!(made["created"]["two"]["isSubscribed"], false, "{made}");
    assert_eq!(subscribed(&alice).await, ["One"]);
    assert!(subscribed(&bob).await.contains(&"Two".to_owned()), "it is his account");
    let made = bob.call("Mailbox/set", json!({"create": {"k": {"name": "Q", "isSubscribed": false}}})).await;
    assert_eq!(made["created"]["k"]["isSubscribed"], false, "{made}");
    assert!(!subscribed(&bob).await.contains(&"Q".to_owned()));
}

#[tokio::test]
async fn a_subscription_is_told_to_its_user_alone() {
    let (_fixture, bob, alice) = shared(true).await;
    let query = "types=Mailbox&closeafter=no&ping=0";
    let (mut of_bob, mut of_alice) =
        (Events::open(&bob, query, None).await, Events::open(&alice, query, None).await);
    let (before_bob, before_alice) = (state(&bob).await, state(&alice).await);
    assert_eq!(before_bob, before_alice);
    let inbox = bob.mailbox("inbox").await;
    let set = alice.call("Mailbox/set", json!({"update": {&inbox: {"isSubscribed": true}}})).await;
    assert_eq!(set["oldState"], before_alice);
    let (change, _) = of_alice.state().await.unwrap();
    assert_eq!(change["changed"][&bob.account]["Mailbox"], set["newState"]);
    assert_eq!(state(&alice).await, set["newState"]);
    let changes = since(&alice, &before_alice).await;
    assert_eq!((&changes["updated"], &changes["updatedProperties"]), (&json!([inbox]), &Value::Null));
    assert_eq!(changes["newState"], set["newState"]);
    let query =
        json!({"filter": {"isSubscribed": true}, "sinceQueryState": before_alice, "calculateTotal": true});
    let told = alice.call("Mailbox/queryChanges", query.clone()).await;
    assert_eq!((&told["added"][0]["id"], &told["total"]), (&json!(inbox), &json!(1)), "{told}");

    assert_eq!(state(&bob).await, before_bob, "bob sees nothing of it");
    assert_eq!(since(&bob, &before_bob).await["updated"], json!([]));
    let told = bob.call("Mailbox/queryChanges", query).await;
    assert_eq!((&told["added"], &told["removed"]), (&json!([]), &json!([])), "{told}");
    // What comes next is the first that bob hears of, and both see it.
    let made = bob.call("Mailbox/set", json!({"create": {"k": {"name": "Next"}}})).await;
    assert_eq!(made["oldState"], before_bob);
    let made = made["created"]["k"]["id"].clone();
    for (events, person, before) in
        [(&mut of_bob, &bob, before_bob), (&mut of_alice, &alice, set["newState"].clone())]
    {
        let (change, _) = events.state().await.unwrap();
        assert_eq!(change["changed"][&bob.account]["Mailbox"], state(person).await);
        let changes = since(person, &before).await;
        assert_eq!((&changes["created"], &changes["updated"]), (&json!([made]), &json!([])), "{changes}");
    }
    assert_eq!(state(&bob).await, state(&alice).await);
}

#[tokio::test]
async fn a_subscription_that_a_stream_missed_is_told_when_it_comes_back() {
    let (_fixture, bob, alice) = shared(true).await;
    let query = "types=Mailbox&closeafter=state&ping=0";
    let (inbox, sent) = (bob.mailbox("inbox").await, bob.mailbox("sent").await);
    let mut last = Vec::new();
    for person in [&alice, &bob] {
        let mut events = Events::open(person, query, None).await;
        bob.call("Mailbox/set", json!({"create": {"k": {"name": person.cookie}}})).await;
        last.push(events.state().await.unwrap().1);
    }
    let mut events = Events::open(&alice, query, None).await;
    alice.call("Mailbox/set", json!({"update": {&inbox: {"isSubscribed": true}}})).await;
    let (_, known) = events.state().await.unwrap();
    alice.call("Mailbox/set", json!({"update": {&sent: {"isSubscribed": true}}})).await;
    let (change, _) = Events::open(&alice, query, Some(&known)).await.state().await.unwrap();
    assert_eq!(change["changed"][&bob.account]["Mailbox"], state(&alice).await);
    // Of bob's streams the last event is still the last.
    let mut events = Events::open(&bob, query, Some(&last[1])).await;
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "After"}}})).await;
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().len(), 1, "only what came since: {change}");
}

async fn session_state(person: &Person) -> Value {
    person.get("/.well-known/jmap").await.1["state"].clone()
}

/// The next state of the mailboxes of an account that is pushed.
async fn heard(events: &mut Events, account: &str) -> Value {
    loop {
        let (change, _) = events.state().await.unwrap();
        if let Some(states) = change["changed"].get(account) {
            return states["Mailbox"].clone();
        }
    }
}

#[tokio::test]
async fn who_listens_hears_of_an_account_that_is_shared_with_them_and_then_of_its_changes() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let mut events = Events::open(&alice, "types=Mailbox&closeafter=no&ping=0", None).await;
    let share = async |may_write| {
        let (owner, member) = (AccountId::from(&*bob.account), AccountId::from(&*alice.account));
        people::share(&fixture.relay, owner, member, may_write).await.unwrap();
    };
    let own = session_state(&alice).await;
    share(Some(false)).await;
    assert_ne!(session_state(&alice).await, own, "RFC 8620 2");
    assert_eq!(heard(&mut events, &bob.account).await, state(&bob).await);
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "One"}}})).await;
    assert_eq!(heard(&mut events, &bob.account).await, state(&bob).await);
    share(None).await;
    assert_eq!(session_state(&alice).await, own);
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&alice.account]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_listens_hears_of_what_a_command_shares_with_them() {
    let served = Served::start(&["alice"], |_| ()).await;
    let (alice, folder) = (served.fixture.sign_in("alice").await, &served.fixture.folder);
    let mut events = Events::open(&alice, "types=Mailbox&closeafter=no&ping=0", None).await;
    let office = "office@sealpost.example";
    well(folder, &["account", "add", office, "--kind", "office"]);
    well(folder, &["account", "share", office, "--with", "alice@sealpost.example"]);
    let accounts = alice.get("/.well-known/jmap").await.1["accounts"].clone();
    let id = accounts.as_object().unwrap().keys().find(|id| **id != alice.account).unwrap().clone();
    let office = Person { account: id, ..alice.clone() };
    assert_eq!(heard(&mut events, &office.account).await, state(&office).await);
}

async fn download(person: &Person, blob: &str) -> StatusCode {
    let path = format!("/jmap/download/{}/{blob}/letter.eml", person.account);
    person.send(Request::get(path), Body::empty()).await.status()
}

async fn sees(person: &Person, blob: &str) -> bool {
    let get = person.call("Blob/get", json!({"ids": [blob], "properties": ["size"]})).await;
    let looked = person.call("Blob/lookup", json!({"ids": [blob], "typeNames": ["Email"]})).await;
    let piece = json!({"create": {"k": {"data": [{"blobId": blob}]}}});
    let parsed = person.call("Email/parse", json!({"blobIds": [blob]})).await;
    let seen = [
        get["list"].as_array().is_some_and(|list| list.len() == 1),
        looked["list"].as_array().is_some_and(|list| list.len() == 1),
        parsed["notFound"].is_null() || parsed["notFound"] == json!([]),
        download(person, blob).await == StatusCode::OK,
    ];
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?} {get} {looked} {parsed} {piece}");
    seen[0]
}

#[tokio::test]
async fn what_was_uploaded_to_a_shared_account_is_its_uploaders_until_something_refers_to_it() {
    let (_fixture, bob, alice) = shared(true).await;
    let (of_alice, of_bob) = (sealed_letter(BOB, BOB, "X-Of: alice\r\n"), sealed_letter(BOB, BOB, ""));
    let from_alice = alice.upload(of_alice.clone()).await;
    let from_bob = bob.upload(of_bob.clone()).await;
    for (blob, theirs, others) in [(&from_alice, &alice, &bob), (&from_bob, &bob, &alice)] {
        assert!(sees(theirs, blob).await);
        assert!(!sees(others, blob).await);
        let own = others.get("/.well-known/jmap").await.1["primaryAccounts"][jmap::MAIL].clone();
        let inbox = theirs.mailbox("inbox").await;
        let email = json!({"k": {"blobId": blob, "mailboxIds": {&inbox: true}}});
        let refused = others.call("Email/import", json!({"emails": email})).await;
        assert_eq!(refused["notCreated"]["k"]["type"], "invalidProperties", "{refused}");
        if own != json!(others.account) {
            let copy = json!({"fromAccountId": others.account, "accountId": own, "blobIds": [blob]});
            let copied = others.call("Blob/copy", copy).await;
            assert_eq!(copied["notCopied"][blob]["type"], "notFound", "{copied}");
        }
    }
    // Who uploads the same has uploaded it, too, and takes it from nobody.
    assert_eq!(bob.upload(of_alice.clone()).await, from_alice);
    assert!(sees(&bob, &from_alice).await && sees(&alice, &from_alice).await);
    // Once an email has it, all see it.
    let inbox = bob.mailbox("inbox").await;
    let email = json!({"k": {"blobId": from_bob, "mailboxIds": {inbox: true}}});
    let made = bob.call("Email/import", json!({"emails": email})).await;
    assert!(made["created"]["k"].is_object(), "{made}");
    assert!(sees(&alice, &from_bob).await && sees(&bob, &from_bob).await);
}

#[tokio::test]
async fn a_piece_of_anothers_upload_is_not_found() {
    let (fixture, _, _) = shared(true).await;
    let news = crate::strangers::public(&fixture, "news").await;
    let member = fixture.sign_in("alice").await;
    fixture.share(&news, &member, true).await;
    let member = Person { account: news.account.clone(), ..member };
    let secret = news.upload(b"a draft of the mayor's speech".to_vec()).await;
    let upload = json!({"create": {"k": {"data": [{"blobId": secret}]}}});
    let refused = member.call("Blob/upload", upload).await;
    assert_eq!(refused["notCreated"]["k"]["type"], "blobNotFound", "{refused}");
    let upload = json!({"create": {"k": {"data": [{"data:asText": "a guess"}]}}});
    let made = member.call("Blob/upload", upload).await["created"]["k"]["id"].as_str().unwrap().to_owned();
    assert!(sees(&member, &made).await && !sees(&news, &made).await);
    let path = format!("/jmap/upload/{}", news.account);
    let request = Request::post(path).header(header::CONTENT_TYPE, "text/plain");
    let (_, again) = json_of(news.send(request, "a guess").await).await;
    assert_eq!(again["blobId"], json!(made));
    assert!(sees(&news, &made).await);
}

#[tokio::test]
async fn what_each_user_said_survives_the_way_back_and_forward() {
    use std::sync::Arc;

    use crate::support::{Folder, config};
    let folder = Arc::new(Folder::new());
    let served = Served::start_in(Arc::clone(&folder), &["alice", "bob"]).await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    served.fixture.share(&bob, &alice, true).await;
    let blob = bob.upload(sealed_letter(BOB, BOB, "")).await;
    let sent = bob.mailbox("sent").await;
    bob.call("Mailbox/set", json!({"update": {sent: {"isSubscribed": false}}})).await;
    let before = subscribed(&bob).await;
    served.stop().await;
    let config = config(&folder);
    for version in [8, store::newest()] {
        store::migrate(&config.data, config.database.as_ref(), version, false).await.unwrap();
    }
    let served = Served::open(folder, |_| ()).await;
    let (alice, bob) = (served.fixture.sign_in("alice").await, served.fixture.sign_in("bob").await);
    let alice = Person { account: bob.account.clone(), ..alice };
    assert_eq!(subscribed(&bob).await, before);
    // Of versions before 9 each sees what the owner said.
    assert_eq!(subscribed(&alice).await, before);
    assert!(sees(&bob, &blob).await && !sees(&alice, &blob).await);
}
