//! Every method that there is, called by somebody else with everything that an account has.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use sealpost::jmap::Method;
use sealpost::people;
use sealpost::session;
use sealpost::store::{AccountKind, NewAccount};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::push::Events;
use crate::support::{Fixture, PASSWORD, Person, Served, USING, json_of, skip};
use crate::websocket::{app_password_of, node};

/// What alice has, and nobody else may see.
const SECRET: &str = "canary-7f3a";

/// A public account: what it keeps is in clear, so a leak shows.
pub async fn public(fixture: &Fixture, name: &str) -> Person {
    let new = NewAccount {
        address: format!("{name}@{}", fixture.relay.config.domain),
        name: name.to_owned(),
        kind: AccountKind::Public,
        organisation: None,
        password: session::hash(PASSWORD).unwrap(),
    };
    people::add(&fixture.relay, new).await.unwrap();
    fixture.sign_in(name).await
}

/// Fills alice's account; gives all ids that stand for something in it.
async fn furnished(alice: &Person) -> Vec<String> {
    let mailbox = alice.call("Mailbox/set", json!({"create": {"m": {"name": SECRET}}})).await;
    let mailbox = mailbox["created"]["m"]["id"].as_str().unwrap().to_owned();
    let blob = alice.upload(format!("Subject: {SECRET}\r\n\r\n{SECRET}").into_bytes()).await;
    let create = json!({"e": {
        "mailboxIds": {mailbox.as_str(): true},
        "from": [{"email": "alice-public@sealpost.example"}],
        "to": [{"email": "alice-public@sealpost.example"}],
        "subject": SECRET,
        "textBody": [{"partId": "1", "type": "text/plain"}],
        "attachments": [{"blobId": blob, "type": "message/rfc822", "name": SECRET}],
        "bodyValues": {"1": {"value": SECRET}},
    }});
    let email = alice.call("Email/set", json!({"create": create})).await["created"]["e"].clone();
    let got = json!({"ids": [email["id"]], "properties": ["attachments"]});
    let part = alice.call("Email/get", got).await["list"][0]["attachments"][0]["blobId"].clone();
    let identity = json!({"create": {"i": {"email": "alice-public@sealpost.example", "name": SECRET}}});
    let identity = alice.call("Identity/set", identity).await["created"]["i"]["id"].clone();
    let later = json!({"mailFrom": {"email": "alice-public@sealpost.example", "parameters": {"HOLDFOR": "3600"}},
        "rcptTo": [{"email": "alice-public@sealpost.example"}]});
    let submit =
        json!({"create": {"s": {"identityId": identity, "emailId": email["id"], "envelope": later}}});
    let submission = alice.call("EmailSubmission/set", submit).await["created"]["s"]["id"].clone();
    let away = json!({"update": {"singleton": {"subject": SECRET, "textBody": SECRET}}});
    alice.call("VacationResponse/set", away).await;
    let push = json!({"create": {"p": {"deviceClientId": SECRET, "url": "https://127.0.0.1:9/"}}});
    let push = alice.call("PushSubscription/set", push).await["created"]["p"]["id"].clone();
    let mut ids = vec![mailbox, blob];
    let others = [&email["id"], &email["blobId"], &email["threadId"], &part, &identity, &submission, &push];
    ids.extend(others.map(|id| id.as_str().unwrap_or_else(|| panic!("{others:?}")).to_owned()));
    ids
}

/// All that alice sees of her account.
async fn whole(alice: &Person) -> Value {
    let mut all = Vec::new();
    for kind in ["Mailbox", "Identity", "EmailSubmission", "VacationResponse", "PushSubscription"] {
        all.push(alice.call(&format!("{kind}/get"), json!({"ids": null})).await);
    }
    let ids = alice.call("Email/query", json!({"filter": null})).await["ids"].clone();
    let wanted = json!({"ids": ids, "fetchAllBodyValues": true});
    all.push(alice.call("Email/get", wanted).await);
    all.push(alice.call("Vault/get", json!({})).await);
    json!(all)
}

/// Arguments that name nothing of an account, and only change what is told of what the others name.
const BESIDE: [&str; 20] = [
    "anchorOffset",
    "bodyProperties",
    "calculateTotal",
    "collapseThreads",
    "destroyFromIfInState",
    "fetchTextBodyValues",
    "fetchHTMLBodyValues",
    "filterAsTree",
    "ifFromInState",
    "length",
    "limit",
    "maxBodyValueBytes",
    "maxChanges",
    "offset",
    "onDestroyRemoveEmails",
    "position",
    "properties",
    "sort",
    "sortAsTree",
    "upToId",
];

/// What a query of one type looks for.
fn filter(kind: &str, id: &str) -> Value {
    match kind {
        "Mailbox" => json!({"operator": "OR", "conditions": [{"parentId": id}, {"name": SECRET}]}),
        "EmailSubmission" => {
            json!({"operator": "OR", "conditions": [{"emailIds": [id]}, {"undoStatus": "pending"}]})
        }
        "Quota" => json!({"name": SECRET}),
        _ => json!({"operator": "OR", "conditions": [{"inMailbox": id}, {"text": SECRET}]}),
    }
}

/// One set of arguments for all methods of a type.
fn arguments(kind: &str, account: &str, from: &str, id: &str, state: &Value, own_mailbox: &str) -> Value {
    let object = json!({
        "id": id, "emailId": id, "identityId": id, "blobId": id, "mailboxIds": {own_mailbox: true}, "parentId": id,
        "name": "x", "data": [{"blobId": id}],
    });
    let attached = json!({
        "mailboxIds": {id: true}, "bodyStructure": {"type": "multipart/mixed", "subParts": [{"blobId": id}]},
        "data": [{"data:asText": "x"}],
    });
    json!({
        "accountId": account,
        "fromAccountId": from,
        "ids": [id],
        "emailIds": [id],
        "blobIds": [id],
        "typeNames": ["Email", "Thread", "Mailbox"],
        "fetchAllBodyValues": true,
        "sinceState": state,
        "sinceQueryState": state,
        "ifInState": if kind == "Vault" { json!("0") } else { json!(null) },
        "filter": filter(kind, id),
        "anchor": (kind != "Quota").then_some(id),
        "emails": {"k": {"blobId": id, "mailboxIds": {own_mailbox: true}}},
        "create": {"k": object, "l": attached},
        "update": {id: {"name": "x", "undoStatus": "canceled", "keywords": {"x": true}, "verificationCode": "x"}},
        "destroy": [id],
        "onSuccessDestroyEmail": [id],
        "onSuccessUpdateEmail": {id: {"keywords": {"x": true}}, "#k": {"keywords/$mdnsent": true}},
        "identityId": id,
        "send": {"k": {"forEmailId": id, "includeOriginalMessage": true, "disposition": {
            "actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}}},
        "onSuccessDestroyOriginal": true,
        "addresses": [],
        "text": SECRET,
        "blob": "",
        "request": "",
        "usage": "signing",
    })
}

/// Every method that there is, with each of alice's ids, in bob's account and in hers.
async fn calls_of(bob: &Person, alice: &Person, ids: &[String]) -> Vec<(&'static str, Value)> {
    let inbox = bob.mailbox("inbox").await;
    let mut calls = Vec::new();
    for method in sealpost::jmap::methods() {
        let (kind, verb) = method.name.split_once('/').unwrap();
        let state = match verb {
            "changes" | "queryChanges" => alice.call(&format!("{kind}/get"), json!({"ids": []})).await,
            _ => Value::Null,
        };
        let state = &state["state"];
        for (account, from) in [(&bob.account, &alice.account), (&alice.account, &bob.account)] {
            let with = |id: &String| taken(method, arguments(kind, account, from, id, state, &inbox));
            calls.extend(ids.iter().map(|id| (method.name, with(id))));
        }
    }
    calls
}

/// Those that the method takes, of which none may be missing.
fn taken(method: &Method, mut all: Value) -> Value {
    let known = all.as_object_mut().unwrap();
    for name in method.arguments.iter().copied().flatten().copied().flatten() {
        assert!(known.contains_key(*name) || BESIDE.contains(name), "{}: what is {name}?", method.name);
    }
    known.retain(|name, _| method.takes(name));
    all
}

/// What was asked with comes back in errors by name only.
fn tells(method: &str, answer: &str) -> bool {
    method != "Core/echo" && answer.contains(SECRET)
}

#[tokio::test]
async fn no_method_tells_or_changes_anything_of_another_account() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (public(&fixture, "alice-public").await, public(&fixture, "bob-public").await);
    let ids = furnished(&alice).await;
    let before = whole(&alice).await;
    let calls = calls_of(&bob, &alice, &ids).await;
    assert!(calls.len() > 700, "{}", calls.len());
    for (method, arguments) in calls {
        let (_, told) = bob.calls(&[(method, arguments)]).await.remove(0);
        assert!(!tells(method, &told.to_string()), "{method} told {told}");
    }
    assert_eq!(whole(&alice).await, before);
    assert!(!whole(&bob).await.to_string().contains(SECRET));
}

#[tokio::test]
async fn no_method_tells_or_changes_anything_of_another_account_over_a_websocket() {
    let served = Served::start(&[], |_| ()).await;
    let fixture = &served.fixture;
    let (alice, bob) = (public(fixture, "alice-public").await, public(fixture, "bob-public").await);
    let ids = furnished(&alice).await;
    let before = whole(&alice).await;
    let url = format!("ws://{}/jmap/websocket", served.running.http);
    let password = app_password_of(&fixture.relay, &bob.account).await;
    let Some(mut node) = node("websocket_lines.mjs", &[&url, &format!("Bearer {password}")]) else {
        return skip(
            "no_method_tells_or_changes_anything_of_another_account_over_a_websocket",
            "node is not installed",
        );
    };
    let mut stdin = node.stdin.take().unwrap();
    let mut answers = BufReader::new(node.stdout.take().unwrap()).lines();
    for (method, arguments) in calls_of(&bob, &alice, &ids).await {
        let request = json!({"@type": "Request", "using": USING, "methodCalls": [[method, arguments, "c"]]});
        stdin.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let told = answers.next_line().await.unwrap().unwrap();
        assert!(told.contains(r#""@type":"Response""#), "{method}: {told}");
        assert!(!tells(method, &told), "{method} told {told}");
    }
    drop(stdin);
    assert!(node.wait().await.unwrap().success());
    assert_eq!(whole(&alice).await, before);
    assert!(!whole(&bob).await.to_string().contains(SECRET));
}

/// Of these the owner gets nothing with such arguments: copies go from one account to another, and the request of a
/// certificate proves that its key is there.
const NOT_FOR_THE_OWNER: [&str; 3] = ["Blob/copy", "Certificate/issue", "Email/copy"];

/// A method that is new may want other arguments: then these say nothing of it, and are to be completed.
#[tokio::test]
async fn what_strangers_ask_with_is_understood_where_it_is_their_own() {
    let fixture = Fixture::start().await;
    let alice = public(&fixture, "alice-public").await;
    let ids = furnished(&alice).await;
    let calls = calls_of(&alice, &alice, &ids).await;
    // What reads goes first: what writes destroys.
    let (writing, reading): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|(method, _)| method.ends_with("/set") || method.ends_with("/destroy"));
    let mut deaf: BTreeMap<&str, Value> = BTreeMap::new();
    let mut understood = BTreeSet::new();
    for (method, arguments) in reading.into_iter().chain(writing) {
        let (answered, told) = alice.calls(&[(method, arguments)]).await.remove(0);
        match answered == "error" {
            true => drop(deaf.insert(method, told)),
            false => drop(understood.replace(method)),
        }
    }
    deaf.retain(|method, _| !understood.contains(method));
    assert_eq!(deaf.keys().copied().collect::<Vec<_>>(), NOT_FOR_THE_OWNER, "{deaf:?}");
}

#[tokio::test]
async fn no_stream_and_no_push_subscription_tells_of_another_account() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (public(&fixture, "alice-public").await, public(&fixture, "bob-public").await);
    let mut own = Events::open(&alice, "types=*&closeafter=state&ping=0", None).await;
    let ids = furnished(&alice).await;
    let (_, id) = own.state().await.unwrap();
    // Everything of hers that could be taken for a name of her account, or of what was heard last.
    for last in ids.iter().map(String::as_str).chain([&*id, &*alice.account]) {
        let mut events = Events::open(&bob, "types=*&closeafter=state&ping=0", Some(last)).await;
        let (change, _) = events.state().await.unwrap();
        let told = change["changed"].as_object().unwrap();
        assert_eq!(told.keys().collect::<Vec<_>>(), [&bob.account], "{last}");
    }
    let mut events = Events::open(&bob, "types=*&closeafter=no&ping=0", None).await;
    alice.call("Mailbox/set", json!({"create": {"k": {"name": "hers"}}})).await;
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "his"}}})).await;
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&bob.account]);
    // The subscription is hers, whatever he says of it.
    let hers = ids.last().unwrap();
    let answer = bob.call("PushSubscription/get", json!({"ids": [hers]})).await;
    assert_eq!((&answer["list"], &answer["notFound"]), (&json!([]), &json!([hers])));
    let set = json!({"update": {hers: {"types": null}}, "destroy": [hers]});
    let answer = bob.call("PushSubscription/set", set).await;
    assert_eq!(answer["notUpdated"][hers]["type"], "notFound");
    assert_eq!(answer["notDestroyed"][hers]["type"], "notFound");
    let kept = alice.call("PushSubscription/get", json!({"ids": null})).await;
    assert_eq!(kept["list"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn no_download_and_no_upload_reaches_another_account() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (public(&fixture, "alice-public").await, public(&fixture, "bob-public").await);
    for id in furnished(&alice).await {
        for account in [&alice.account, &bob.account] {
            let path = format!("/jmap/download/{account}/{id}/x?type=text/plain");
            let (status, _) = json_of(bob.send(Request::get(path), Body::empty()).await).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{id}");
        }
    }
    let path = format!("/jmap/upload/{}", alice.account);
    let (status, _) = json_of(bob.send(Request::post(path), "Subject: x\r\n\r\nx").await).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
