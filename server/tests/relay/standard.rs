//! What RFC 8620 and RFC 8621 ask of all types alike, and is easily missed.

use serde_json::{Value, json};

use crate::strangers::public;
use crate::support::{Fixture, Person, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

#[tokio::test]
async fn a_property_that_there_is_not_is_refused_even_where_there_is_nothing_to_show() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    for kind in ["Mailbox", "Thread", "Email", "Identity", "EmailSubmission", "VacationResponse", "Quota"] {
        let asked = json!({"ids": [], "properties": ["id", "smell"]});
        assert_eq!(news.refused(&format!("{kind}/get"), asked).await, "invalidArguments", "{kind}");
    }
    let asked = json!({"ids": null, "properties": ["smell"]});
    assert_eq!(news.refused("PushSubscription/get", asked).await, "invalidArguments");
    for asked in [
        json!({"ids": [], "bodyProperties": ["partId", "smell"]}),
        json!({"ids": [], "bodyProperties": ["header:Subject:asDate"]}),
        json!({"ids": [], "properties": ["header:From:asText"]}),
    ] {
        assert_eq!(news.refused("Email/get", asked).await, "invalidArguments");
    }
    let parse = json!({"blobIds": [], "properties": ["smell"]});
    assert_eq!(news.refused("Email/parse", parse).await, "invalidArguments");
}

/// Sets an object to what `/get` tells of it, with one property changed.
async fn give_back(person: &Person, kind: &str, id: &str, property: &str, value: Value) {
    let got = person.call(&format!("{kind}/get"), json!({"ids": [id]})).await;
    let mut whole = got["list"][0].clone();
    whole[property] = value.clone();
    let answer = person.call(&format!("{kind}/set"), json!({"update": {id: whole}})).await;
    assert!(answer["updated"].as_object().is_some_and(|all| all.contains_key(id)), "{kind}: {answer}");
    let got = person.call(&format!("{kind}/get"), json!({"ids": [id]})).await;
    assert_eq!(got["list"][0][property], value, "{kind}");
}

#[tokio::test]
async fn a_whole_object_is_a_patch_too() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let archive = news.mailbox("archive").await;
    let email = news.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    give_back(&news, "Mailbox", &archive, "sortOrder", json!(7)).await;
    give_back(&news, "Identity", "self", "name", json!("The News")).await;
    give_back(&news, "VacationResponse", "singleton", "isEnabled", json!(true)).await;
    let metadata = json!([
        "id",
        "blobId",
        "threadId",
        "mailboxIds",
        "keywords",
        "size",
        "receivedAt",
        "from",
        "subject"
    ]);
    let got = news.call("Email/get", json!({"ids": [email], "properties": metadata})).await;
    let mut whole = got["list"][0].clone();
    whole["keywords"] = json!({"$flagged": true});
    let answer = news.call("Email/set", json!({"update": {&email: whole}})).await;
    assert!(answer["notUpdated"].is_null(), "{answer}");
    // What the server sets is not for the client to change.
    for (property, value) in [("size", json!(1)), ("threadId", json!("t1")), ("from", json!(null))] {
        let answer = news.call("Email/set", json!({"update": {&email: {property: value}}})).await;
        assert_eq!(answer["notUpdated"][&email]["properties"], json!([property]));
    }
    let answer = news.call("Mailbox/set", json!({"update": {&archive: {"totalEmails": 9}}})).await;
    assert_eq!(answer["notUpdated"][&archive]["properties"], json!(["totalEmails"]));
}

#[tokio::test]
async fn mailboxes_of_one_call_may_lie_in_each_other_swap_names_and_go_together() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let create = json!({"a": {"name": "inner", "parentId": "#c"}, "b": {"name": "other"}, "c": {"name": "outer", "parentId": "#b"}});
    let made = alice.call("Mailbox/set", json!({"create": create})).await;
    let id = |creation: &str| {
        made["created"][creation]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let (inner, other, outer) = (id("a"), id("b"), id("c"));
    let circle = json!({"x": {"name": "x", "parentId": "#y"}, "y": {"name": "y", "parentId": "#x"}});
    let answer = alice.call("Mailbox/set", json!({"create": circle})).await;
    assert_eq!(answer["notCreated"]["x"]["properties"], json!(["parentId"]));
    assert_eq!(answer["notCreated"]["y"]["properties"], json!(["parentId"]));
    alice
        .call("Mailbox/set", json!({"update": {&outer: {"parentId": null}, &inner: {"parentId": null}}}))
        .await;
    // Names among siblings, and roles.
    let (trash, junk) = (alice.mailbox("trash").await, alice.mailbox("junk").await);
    let swap = json!({&outer: {"name": "inner"}, &inner: {"name": "outer"}, &trash: {"role": "junk"}, &junk: {"role": "trash"}});
    let answer = alice.call("Mailbox/set", json!({"update": swap})).await;
    assert_eq!(answer["updated"].as_object().map(serde_json::Map::len), Some(4), "{answer}");
    assert_eq!((alice.mailbox("trash").await, alice.mailbox("junk").await), (junk, trash));
    // One that cannot be is told apart from one that can.
    let update = json!({&outer: {"name": "outer"}, &inner: {"sortOrder": 3}, &other: {"parentId": other}});
    let answer = alice.call("Mailbox/set", json!({"update": update})).await;
    assert_eq!(answer["notUpdated"][&outer]["type"], "alreadyExists", "{answer}");
    assert_eq!(answer["notUpdated"][&other]["type"], "invalidProperties");
    assert!(answer["updated"].as_object().unwrap().contains_key(&inner));
    alice
        .call("Mailbox/set", json!({"update": {&outer: {"parentId": other}, &inner: {"parentId": outer}}}))
        .await;
    let answer = alice.call("Mailbox/set", json!({"destroy": [other, inner, outer, other]})).await;
    assert_eq!(answer["destroyed"].as_array().map(Vec::len), Some(3), "{answer}");
    assert!(answer["notDestroyed"].is_null());
}

#[tokio::test]
async fn all_objects_are_given_to_who_names_none_as_long_as_they_are_few() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut emails = Vec::new();
    for fields in ["Message-ID: <1@a>\r\n", "References: <1@a>\r\n", ""] {
        emails.push(alice.import(sealed_letter(ALICE, ALICE, fields), "inbox", json!({})).await);
    }
    let got = alice.call("Email/get", json!({"ids": null, "properties": ["id"]})).await;
    let mut ids: Vec<&str> =
        got["list"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    emails.sort_unstable();
    assert_eq!(ids, emails);
    let got = alice.call("Thread/get", json!({"ids": null})).await;
    assert_eq!(got["list"].as_array().map(Vec::len), Some(2), "{got}");
}

#[tokio::test]
async fn an_order_that_is_not_announced_is_refused() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    for (method, property) in [
        ("Email/query", "subject"),
        ("Mailbox/query", "name"),
        ("EmailSubmission/query", "sentAt"),
        ("Quota/query", "name"),
    ] {
        let sort = |collation: &str| json!({"sort": [{"property": property, "collation": collation}]});
        assert_eq!(news.refused(method, sort("i;smell")).await, "unsupportedSort", "{method}");
        news.call(method, sort("i;ascii-casemap")).await;
        let by = json!({"sort": [{"property": "smell"}]});
        assert_eq!(news.refused(method, by).await, "unsupportedSort", "{method}");
    }
}

#[tokio::test]
async fn whom_an_account_is_shared_with_to_read_has_no_other_rights() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    for (may_write, rights) in [(false, 1), (true, 8)] {
        fixture.share(&bob, &alice, may_write).await;
        let inbox = bob.mailbox("inbox").await;
        let got = alice.call("Mailbox/get", json!({"accountId": bob.account, "ids": [inbox]})).await;
        let given = got["list"][0]["myRights"].as_object().unwrap();
        assert_eq!(given.values().filter(|right| **right == json!(true)).count(), rights, "{given:?}");
    }
}

#[tokio::test]
async fn what_alone_changed_of_mailboxes_is_null_where_it_is_not_known() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let state = alice.call("Mailbox/get", json!({"ids": []})).await["state"].clone();
    let told = alice.call("Mailbox/changes", json!({"sinceState": state})).await;
    assert_eq!(told.get("updatedProperties"), Some(&Value::Null));
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let told = alice.call("Mailbox/changes", json!({"sinceState": state})).await;
    assert_eq!(told["updatedProperties"][0], "totalEmails");
    let quota = alice.call("Quota/changes", json!({"sinceState": state})).await;
    assert!(quota.get("updatedProperties").is_some());
}

#[tokio::test]
async fn an_import_tells_of_each_email_what_is_wrong_and_takes_the_time_from_the_way() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let inbox = news.mailbox("inbox").await;
    let way = "Received: from a by b; Fri, 02 Jan 2026 03:04:05 +0100\r\nReceived: from c by a; Thu, 01 Jan 2026 00:00:00 +0000\r\n";
    let blob = news.upload(format!("{way}From: <a@b.example>\r\n\r\nHi\r\n").into_bytes()).await;
    let good = json!({"blobId": blob, "mailboxIds": {&inbox: true}});
    let mut emails = json!({"good": good, "none": {}});
    for (property, value) in [
        ("blobId", json!(["x"])),
        ("mailboxIds", json!("x")),
        ("keywords", json!(["x"])),
        ("receivedAt", json!(7)),
    ] {
        emails[property] = good.clone();
        emails[property][property] = value;
    }
    let answer = news.call("Email/import", json!({"emails": emails})).await;
    for property in ["blobId", "mailboxIds", "keywords", "receivedAt"] {
        assert_eq!(answer["notCreated"][property]["properties"], json!([property]), "{answer}");
    }
    assert_eq!(answer["notCreated"]["none"]["properties"], json!(["blobId", "mailboxIds"]));
    let ids = [answer["created"]["good"]["id"].clone()];
    let got = news.call("Email/get", json!({"ids": ids, "properties": ["receivedAt"]})).await;
    assert_eq!(got["list"][0]["receivedAt"], "2026-01-02T02:04:05Z");
}

#[tokio::test]
async fn an_argument_that_there_is_not_is_refused() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    for method in sealpost::jmap::methods().filter(|method| method.name != "Core/echo") {
        let refused = news.refused(method.name, json!({"smell": true})).await;
        assert_eq!(refused, "invalidArguments", "{}", method.name);
    }
}

#[tokio::test]
async fn a_patch_that_leads_nowhere_is_refused_as_one() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let archive = news.mailbox("archive").await;
    let email = news.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    for (kind, id, patch) in [
        ("Mailbox", &*archive, json!({"name/x": "y"})),
        ("Mailbox", &*archive, json!({"smell/x": "y"})),
        ("Identity", "self", json!({"replyTo/0/email": "x@y.example"})),
        ("VacationResponse", "singleton", json!({"subject/0": "x"})),
        ("Email", &*email, json!({"keywords/a/b": true})),
        ("Email", &*email, json!({"from/0/email": "x@y.example"})),
        ("Email", &*email, json!({"keywords": {}, "keywords/a": true})),
    ] {
        let answer = news.call(&format!("{kind}/set"), json!({"update": {id: patch}})).await;
        assert_eq!(answer["notUpdated"][id]["type"], "invalidPatch", "{kind} {patch}: {answer}");
    }
    // A slash that belongs to a name is written as ~1.
    let answer = news.call("Email/set", json!({"update": {&email: {"keywords/a~1b": true}}})).await;
    assert!(answer["notUpdated"].is_null(), "{answer}");
}

#[tokio::test]
async fn names_of_mailboxes_are_net_unicode_and_orders_fit() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let create = json!({"create": {"k": {"name": "Cafe\u{301}"}}});
    let made = alice.call("Mailbox/set", create.clone()).await["created"]["k"].clone();
    assert_eq!(made["name"], "Caf\u{e9}", "{made}");
    assert_eq!(alice.call("Mailbox/set", create).await["notCreated"]["k"]["type"], "alreadyExists");
    let id = made["id"].as_str().unwrap();
    let answer = alice.call("Mailbox/set", json!({"update": {id: {"name": "E\u{301}te\u{301}"}}})).await;
    assert_eq!(answer["updated"][id], json!({"name": "\u{c9}t\u{e9}"}), "{answer}");
    let answer = alice.call("Mailbox/set", json!({"update": {id: {"sortOrder": 2_147_483_648_u64}}})).await;
    assert_eq!(answer["notUpdated"][id]["properties"], json!(["sortOrder"]));
}

#[tokio::test]
async fn of_the_core_capability_no_account_is_the_main_one() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let session = alice.get("/.well-known/jmap").await.1;
    assert!(session["primaryAccounts"].get(jmap::CORE).is_none(), "{session}");
    assert_eq!(session["primaryAccounts"][jmap::MAIL], json!(alice.account));
}

#[tokio::test]
async fn a_text_of_html_is_not_cut_inside_a_tag() {
    let fixture = Fixture::start().await;
    let news = public(&fixture, "news").await;
    let create = json!({"mailboxIds": {news.mailbox("inbox").await: true},
        "htmlBody": [{"partId": "1", "type": "text/html"}],
        "bodyValues": {"1": {"value": "<p>one</p><a href=\"https://x.example\">two</a>"}}});
    let made = news.call("Email/set", json!({"create": {"k": create}})).await["created"]["k"]["id"].clone();
    let get = json!({"ids": [made], "properties": ["bodyValues"], "fetchAllBodyValues": true, "maxBodyValueBytes": 20});
    let values = news.call("Email/get", get).await["list"][0]["bodyValues"].clone();
    let value = values.as_object().unwrap().values().next().unwrap();
    assert_eq!((&value["value"], &value["isTruncated"]), (&json!("<p>one</p>"), &json!(true)));
}
