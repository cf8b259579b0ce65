use std::collections::BTreeSet;

use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Fixture, Person, Served, clear_letter, gather, holds, json_of, sealed_letter};

const ALICE: &str = "alice@sealpost.example";
const BOB: &str = "bob@sealpost.example";

async fn import_three(alice: &Person) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, fields) in
        ["Message-ID: <1@a>\r\n", "Message-ID: <2@a>\r\nReferences: <1@a>\r\n", "Message-ID: <3@a>\r\n"]
            .into_iter()
            .enumerate()
    {
        let blob = alice.upload(sealed_letter(ALICE, BOB, fields)).await;
        let inbox = alice.mailbox("inbox").await;
        let email = json!({"blobId": blob, "mailboxIds": {inbox: true}, "receivedAt": format!("2026-01-0{}T00:00:00Z", number + 1)});
        let answer = alice.call("Email/import", json!({"emails": {"k": email}})).await;
        ids.push(answer["created"]["k"]["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn an_imported_letter_shows_its_outer_header_and_nothing_else() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let fields = "Message-ID: <1@a>\r\nDate: Fri, 02 Jan 2026 03:04:05 +0000\r\n";
    let letter = sealed_letter(ALICE, BOB, fields);
    let email = alice.import(letter.clone(), "inbox", json!({"$seen": true})).await;
    let answer = alice.call("Email/get", json!({"ids": [email], "properties": null})).await;
    let got = &answer["list"][0];
    assert_eq!(got["from"], json!([{"name": null, "email": ALICE}]));
    assert_eq!(got["messageId"], json!(["1@a"]));
    assert_eq!(got["sentAt"], "2026-01-02T03:04:05Z");
    assert_eq!(got["keywords"], json!({"$seen": true}));
    assert_eq!(got["subject"], "[...]");
    assert_eq!(got["size"], letter.len());
    assert_eq!(alice.message(&email).await, letter);
    assert!(got["sealedSummary"].is_null());
}

#[tokio::test]
async fn the_mark_of_the_door_can_be_taken_away_and_never_added() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let mark = json!({"sealed-at-door": true});
    let inbox = alice.mailbox("inbox").await;
    let blob = alice.upload(sealed_letter(ALICE, BOB, "")).await;
    let forged =
        json!({"k": {"blobId": blob, "mailboxIds": {inbox: true}, "keywords": {"Sealed-At-Door": true}}});
    let answer = alice.call("Email/import", json!({"emails": forged})).await;
    assert_eq!(answer["notCreated"]["k"]["type"], "forbidden", "{answer}");
    let own = alice.import(sealed_letter(ALICE, BOB, "Message-ID: <o@a>\r\n"), "inbox", json!({})).await;
    for patch in [json!({"keywords/sealed-at-door": true}), json!({"keywords": mark})] {
        let answer = alice.call("Email/set", json!({"update": {own.as_str(): patch}})).await;
        assert_eq!(answer["notUpdated"][own.as_str()]["type"], "forbidden", "{answer}");
    }

    let mut client = Client::greeted(served.running.smtp).await;
    client.deliver(&[ALICE], &clear_letter("a@b.example", ALICE, "", "hello")).await;
    let came = alice.emails_in("inbox").await.into_iter().find(|email| *email != own).unwrap();
    let kept = json!({"keywords": {"sealed-at-door": true, "$seen": true}});
    for (patch, is_there) in [(kept, true), (json!({"keywords/sealed-at-door": null}), false)] {
        let answer = alice.call("Email/set", json!({"update": {came.as_str(): patch}})).await;
        assert!(answer["updated"].get(came.as_str()).is_some(), "{answer}");
        let got = alice.call("Email/get", json!({"ids": [came], "properties": ["keywords"]})).await;
        assert_eq!(got["list"][0]["keywords"]["sealed-at-door"] == json!(true), is_there);
    }
}

#[tokio::test]
async fn what_is_not_sealed_is_refused_and_not_kept() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let inbox = alice.mailbox("inbox").await;
    let tells = String::from_utf8(sealed_letter(ALICE, BOB, "")).unwrap().replace("[...]", "Budget");
    for message in
        [clear_letter(ALICE, BOB, "", "canary"), tells.into_bytes(), b"".to_vec(), b"\r\n\r\n".to_vec()]
    {
        let request = Request::post(format!("/jmap/upload/{}", alice.account));
        let (status, problem) = json_of(alice.send(request, message).await).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("sealed"), "{problem}");
    }
    let mut kept = Vec::new();
    gather(&fixture.folder.path().join("data"), &mut kept);
    assert!(!holds(&kept, "canary") && !holds(&kept, "Budget"), "nothing readable reached the disk");
    let create = json!({"create": {"k": {"mailboxIds": {inbox: true}, "subject": "canary"}}});
    assert_eq!(alice.call("Email/set", create).await["notCreated"]["k"]["type"], "forbidden");
    assert_eq!(alice.counts("inbox").await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn an_import_names_what_is_wrong() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let (inbox, blob) = (alice.mailbox("inbox").await, alice.upload(sealed_letter(ALICE, BOB, "")).await);
    for (email, kind) in [
        (json!({"blobId": "b-nothing", "mailboxIds": {&inbox: true}}), "invalidProperties"),
        (json!({"blobId": blob, "mailboxIds": {}}), "invalidProperties"),
        (json!({"blobId": blob, "mailboxIds": {"m-nothing": true}}), "invalidProperties"),
        (
            json!({"blobId": blob, "mailboxIds": {&inbox: true}, "keywords": {"a b": true}}),
            "invalidProperties",
        ),
        (
            json!({"blobId": blob, "mailboxIds": {&inbox: true}, "receivedAt": "yesterday"}),
            "invalidProperties",
        ),
        (
            json!({"blobId": blob, "mailboxIds": {&inbox: true}, "sealedSummary": "A".repeat(8000)}),
            "invalidProperties",
        ),
    ] {
        let answer = alice.call("Email/import", json!({"emails": {"k": email}})).await;
        assert_eq!(answer["notCreated"]["k"]["type"], kind, "{answer}");
    }
}

#[tokio::test]
async fn a_page_is_queried_and_fetched_in_one_request() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    let inbox = alice.mailbox("inbox").await;
    let answers = alice
        .calls(&[
            ("Email/query", json!({"filter": {"inMailbox": inbox}, "limit": 2, "calculateTotal": true})),
            ("Email/get", json!({"#ids": {"resultOf": "c0", "name": "Email/query", "path": "/ids"}, "properties": ["threadId"]})),
            ("Thread/get", json!({"#ids": {"resultOf": "c1", "name": "Email/get", "path": "/list/*/threadId"}})),
        ])
        .await;
    assert_eq!(answers[0].1["ids"], json!([ids[2], ids[1]]));
    assert_eq!(answers[0].1["total"], 3);
    assert_eq!(answers[1].1["list"].as_array().unwrap().len(), 2);
    let threads = answers[2].1["list"].as_array().unwrap();
    assert!(threads.iter().any(|thread| thread["emailIds"] == json!([ids[0], ids[1]])), "{threads:?}");
}

#[tokio::test]
async fn a_query_pages_anchors_sorts_and_collapses() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    let inbox = alice.mailbox("inbox").await;
    let filter = json!({"inMailbox": inbox});
    for (arguments, expected, position) in [
        (json!({}), vec![2, 1, 0], 0),
        (json!({"position": 1}), vec![1, 0], 1),
        (json!({"position": -1}), vec![0], 2),
        (json!({"position": 7}), vec![], 7),
        (json!({"limit": 0}), vec![], 0),
        (json!({"anchor": ids[1]}), vec![1, 0], 1),
        (json!({"anchor": ids[1], "anchorOffset": -1, "limit": 2}), vec![2, 1], 0),
        (json!({"anchor": ids[1], "anchorOffset": -9}), vec![2, 1, 0], 0),
        (json!({"sort": [{"property": "receivedAt", "isAscending": true}]}), vec![0, 1, 2], 0),
        (json!({"collapseThreads": true}), vec![2, 1], 0),
        (json!({"collapseThreads": true, "position": 1}), vec![1], 1),
    ] {
        let mut arguments = arguments;
        arguments["filter"] = filter.clone();
        let answer = alice.call("Email/query", arguments.clone()).await;
        let expected: Vec<&String> = expected.into_iter().map(|place: usize| &ids[place]).collect();
        assert_eq!(answer["ids"], json!(expected), "{arguments}");
        assert_eq!(answer["position"], position, "{arguments}");
    }
    let collapsed = json!({"filter": filter, "collapseThreads": true, "calculateTotal": true});
    assert_eq!(alice.call("Email/query", collapsed).await["total"], 2);
    assert_eq!(alice.refused("Email/query", json!({"anchor": "e-nothing"})).await, "anchorNotFound");
    let by_subject = json!({"sort": [{"property": "subject"}]});
    assert_eq!(alice.refused("Email/query", by_subject).await, "unsupportedSort");
}

#[tokio::test]
async fn filters_on_what_is_in_clear_work_and_others_are_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    let update =
        json!({ids[0].as_str(): {"keywords/$flagged": true}, ids[1].as_str(): {"keywords/$a_b": true}});
    alice.call("Email/set", json!({"update": update})).await;
    let inbox = alice.mailbox("inbox").await;
    for (filter, expected) in [
        (json!({"hasKeyword": "$flagged"}), vec![0]),
        (json!({"hasKeyword": "$FLAGGED", "inMailbox": inbox}), vec![0]),
        (json!({"hasKeyword": "$a-b"}), vec![]),
        (json!({"notKeyword": "$flagged"}), vec![2, 1]),
        (json!({"before": "2026-01-02T00:00:00Z"}), vec![0]),
        (json!({"after": "2026-01-02T00:00:00Z"}), vec![2, 1]),
        (json!({"inMailboxOtherThan": [inbox]}), vec![]),
        (json!({"minSize": 1, "maxSize": 1_000_000}), vec![2, 1, 0]),
        (
            json!({"operator": "NOT", "conditions": [{"hasKeyword": "$flagged"}, {"after": "2026-01-03T00:00:00Z"}]}),
            vec![1],
        ),
        (
            json!({"operator": "OR", "conditions": [{"hasKeyword": "$flagged"}, {"after": "2026-01-03T00:00:00Z"}]}),
            vec![2, 0],
        ),
        (
            json!({"operator": "AND", "conditions": [{"inMailbox": inbox}, {"notKeyword": "$flagged"}]}),
            vec![2, 1],
        ),
        (json!({}), vec![2, 1, 0]),
    ] {
        let answer = alice.call("Email/query", json!({"filter": filter, "calculateTotal": true})).await;
        let expected: Vec<&String> = expected.into_iter().map(|place: usize| &ids[place]).collect();
        assert_eq!(answer["ids"], json!(expected), "{filter}");
        assert_eq!(answer["total"], expected.len(), "{filter}");
    }
    for filter in [json!({"text": "x"}), json!({"subject": "x"}), json!({"from": "x"}), json!({"smell": 1})] {
        assert_eq!(alice.refused("Email/query", json!({"filter": filter})).await, "unsupportedFilter");
    }
    assert_eq!(alice.refused("Email/query", json!({"filter": {"before": 7}})).await, "invalidArguments");
}

#[tokio::test]
async fn counts_follow_every_change() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    assert_eq!(alice.counts("inbox").await, [3, 3, 2, 2]);
    let (inbox, trash) = (alice.mailbox("inbox").await, alice.mailbox("trash").await);
    let set = |update| alice.call("Email/set", json!({"update": update}));
    set(json!({ids[0].as_str(): {"keywords/$seen": true}})).await;
    assert_eq!(alice.counts("inbox").await, [3, 2, 2, 2]);
    set(json!({ids[1].as_str(): {"keywords": {"$seen": true, "$flagged": true}}})).await;
    assert_eq!(alice.counts("inbox").await, [3, 1, 2, 1]);
    set(json!({ids[1].as_str(): {"mailboxIds": {&trash: true}}})).await;
    assert_eq!((alice.counts("inbox").await, alice.counts("trash").await), ([2, 1, 2, 1], [1, 0, 1, 0]));
    set(json!({ids[0].as_str(): {"keywords/$seen": null}})).await;
    assert_eq!((alice.counts("inbox").await, alice.counts("trash").await), ([2, 2, 2, 2], [1, 0, 1, 1]));
    set(json!({ids[2].as_str(): {format!("mailboxIds/{trash}"): true}})).await;
    assert_eq!((alice.counts("inbox").await, alice.counts("trash").await), ([2, 2, 2, 2], [2, 1, 2, 2]));
    // As some clients write null.
    set(json!({ids[2].as_str(): {format!("mailboxIds/{inbox}"): false}})).await;
    assert_eq!((alice.counts("inbox").await, alice.counts("trash").await), ([1, 1, 1, 1], [2, 1, 2, 2]));
    let answer = alice.call("Email/set", json!({"destroy": [ids[0], ids[1], ids[2], "e-nothing"]})).await;
    assert_eq!(answer["destroyed"].as_array().unwrap().len(), 3);
    assert_eq!(answer["notDestroyed"]["e-nothing"]["type"], "notFound");
    assert_eq!((alice.counts("inbox").await, alice.counts("trash").await), ([0; 4], [0; 4]));
}

#[tokio::test]
async fn a_patch_that_cannot_be_is_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    let inbox = alice.mailbox("inbox").await;
    for (patch, kind) in [
        (json!({"mailboxIds": {}}), "invalidProperties"),
        (json!({format!("mailboxIds/{inbox}"): null}), "invalidProperties"),
        (json!({"mailboxIds/m-nothing": true}), "invalidProperties"),
        (json!({"keywords/$seen": 0}), "invalidProperties"),
        (json!({"keywords": {"$seen": false}}), "invalidProperties"),
        (json!({"keywords": {}, "keywords/$seen": true}), "invalidPatch"),
        (json!({"subject": "new"}), "invalidProperties"),
        (json!({"sealedSummary": "not base64!"}), "invalidProperties"),
        (json!({"sealedSummary": "A".repeat(6000)}), "invalidProperties"),
    ] {
        let answer = alice.call("Email/set", json!({"update": {ids[0].as_str(): patch}})).await;
        assert_eq!(answer["notUpdated"][&ids[0]]["type"], kind, "{answer}");
        assert_eq!(answer["oldState"], answer["newState"], "{answer}");
    }
    let answer = alice.call("Email/set", json!({"update": {"e-nothing": {"keywords/$seen": true}}})).await;
    assert_eq!(answer["notUpdated"]["e-nothing"]["type"], "notFound");
}

#[tokio::test]
async fn a_summary_is_kept_beside_the_letter() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids = import_three(&alice).await;
    alice.call("Email/set", json!({"update": {ids[0].as_str(): {"sealedSummary": "c2VhbGVk"}}})).await;
    let get = json!({"ids": [ids[0]], "properties": ["sealedSummary"]});
    assert_eq!(alice.call("Email/get", get.clone()).await["list"][0]["sealedSummary"], "c2VhbGVk");
    alice.call("Email/set", json!({"update": {ids[0].as_str(): {"sealedSummary": null}}})).await;
    assert!(alice.call("Email/get", get).await["list"][0]["sealedSummary"].is_null());
}

#[tokio::test]
async fn whoever_names_no_properties_gets_those_of_the_standard() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, BOB, ""), "inbox", json!({})).await;
    // RFC 8621 4.2.
    let standard = "id blobId threadId mailboxIds keywords size receivedAt messageId inReplyTo references sender \
        from to cc bcc replyTo subject sentAt hasAttachment preview bodyValues textBody htmlBody attachments";
    for (using, vendor) in [
        (vec![jmap::CORE, jmap::MAIL], None),
        (vec![jmap::CORE, jmap::MAIL, jmap::SEALED], Some("sealedSummary")),
    ] {
        let call = json!(["Email/get", {"accountId": alice.account, "ids": [email]}, "c"]);
        let request = json!({"using": using, "methodCalls": [call]}).to_string();
        let (_, answer) = alice.request(request).await;
        let got = answer["methodResponses"][0][1]["list"][0].as_object().unwrap();
        let found: BTreeSet<_> = got.keys().map(String::as_str).collect();
        assert_eq!(found, standard.split_whitespace().chain(vendor).collect(), "{using:?}");
        assert_eq!(got["attachments"][0]["type"], "application/pkcs7-mime");
    }
}

#[tokio::test]
async fn header_properties_come_from_the_outer_header() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter(ALICE, BOB, ""), "inbox", json!({})).await;
    let properties = json!([
        "header:Subject:asText",
        "header:from:asAddresses",
        "header:X-None",
        "header:To:all",
        "headers",
        "bodyStructure"
    ]);
    let answer = alice.call("Email/get", json!({"ids": [email], "properties": properties})).await;
    let got = &answer["list"][0];
    assert_eq!(got["header:Subject:asText"], "[...]");
    assert_eq!(got["header:from:asAddresses"][0]["email"], ALICE);
    assert!(got["header:X-None"].is_null());
    assert_eq!(got["header:To:all"].as_array().unwrap().len(), 1);
    assert!(got["headers"].as_array().unwrap().iter().any(|field| field["name"] == "Subject"));
    assert_eq!(got["bodyStructure"]["type"], "application/pkcs7-mime");
    for wrong in ["smell", "header:", "header:From:asSmell", "header:From:all:all"] {
        let get = json!({"ids": [email], "properties": [wrong]});
        assert_eq!(alice.refused("Email/get", get).await, "invalidArguments", "{wrong}");
    }
}

#[tokio::test]
async fn the_bytes_go_with_the_last_email_that_holds_them() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    // Large enough to lie in a file of its own.
    let fields = format!("References: {}\r\n", "<x@y>".repeat(14_000));
    let letter = sealed_letter(ALICE, BOB, &fields);
    assert!(letter.len() > 64 * 1024);
    let (one, two) = (
        alice.import(letter.clone(), "inbox", json!({})).await,
        alice.import(letter.clone(), "trash", json!({})).await,
    );
    let files = || count_files(&fixture.folder.path().join("data/blobs"));
    assert_eq!(files(), 1);
    alice.call("Email/set", json!({"destroy": [one]})).await;
    fixture.relay.blobs.sweep(&fixture.relay.store).await.unwrap();
    assert_eq!(alice.message(&two).await, letter);
    alice.call("Email/set", json!({"destroy": [two]})).await;
    fixture.relay.blobs.sweep(&fixture.relay.store).await.unwrap();
    assert_eq!(files(), 1, "for a while they can be had again");
    fixture.relay.blobs.collect(&fixture.relay.store, i64::MAX).await.unwrap();
    assert_eq!(files(), 0);
}

fn count_files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { count_files(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn a_thread_is_found_by_the_keywords_of_its_emails() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let (flagged, in_thread) = (json!({"$flagged": true}), "References: <1@x.example>\r\n");
    let mut ids = Vec::new();
    for (fields, keywords) in
        [(in_thread, flagged.clone()), (in_thread, json!({})), ("", flagged.clone()), ("", json!({}))]
    {
        ids.push(alice.import(sealed_letter(ALICE, BOB, fields), "inbox", keywords).await);
    }
    // What others flag says nothing of hers.
    bob.import(sealed_letter(ALICE, BOB, in_thread), "inbox", flagged).await;
    for (filter, found) in [
        ("someInThreadHaveKeyword", vec![0, 1, 2]),
        ("allInThreadHaveKeyword", vec![2]),
        ("noneInThreadHaveKeyword", vec![3]),
    ] {
        let answer = alice.call("Email/query", json!({"filter": {filter: "$flagged"}})).await;
        let mut told: Vec<&str> =
            answer["ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut wanted: Vec<&str> = found.iter().map(|place: &usize| ids[*place].as_str()).collect();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{filter}");
    }
    for beyond in
        [json!({"position": 1_i64 << 53}), json!({"anchor": ids[0], "anchorOffset": -(1_i64 << 53)})]
    {
        assert_eq!(alice.refused("Email/query", beyond.clone()).await, "invalidArguments", "{beyond}");
        assert_eq!(alice.refused("Mailbox/query", beyond).await, "invalidArguments");
    }
}

#[tokio::test]
async fn people_who_destroy_the_same_letters_at_once_do_not_wait_for_each_other_for_ever() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let letters: Vec<_> = (0..60).map(|_| sealed_letter(ALICE, BOB, "")).collect();
    let (mut of_alice, mut of_bob) = (Vec::new(), Vec::new());
    for (letter, other) in letters.iter().zip(letters.iter().rev()) {
        of_alice.push(alice.import(letter.clone(), "inbox", json!({})).await);
        of_bob.push(bob.import(other.clone(), "inbox", json!({})).await);
    }
    let destroy = async |person: &Person, ids: &[String]| {
        person.call("Email/set", json!({"destroy": ids})).await["destroyed"].clone()
    };
    let done = tokio::join!(destroy(&alice, &of_alice), destroy(&bob, &of_bob));
    assert_eq!(done, (json!(of_alice), json!(of_bob)));
}

#[tokio::test]
async fn every_order_is_counted_too() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for seen in [json!({}), json!({"$flagged": true})] {
        alice.import(sealed_letter(ALICE, BOB, ""), "inbox", seen).await;
    }
    let state = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    let keyword =
        |property: &str| json!([{"property": property, "keyword": "$flagged", "isAscending": false}]);
    let mut orders =
        ["hasKeyword", "someInThreadHaveKeyword", "allInThreadHaveKeyword"].map(keyword).to_vec();
    orders.extend([json!([{"property": "size"}]), json!([{"property": "receivedAt"}])]);
    for (sort, collapse) in orders.iter().flat_map(|sort| [(sort, false), (sort, true)]) {
        let query =
            json!({"sort": sort, "collapseThreads": collapse, "calculateTotal": true, "position": -1});
        let answer = alice.call("Email/query", query).await;
        assert_eq!((&answer["total"], &answer["position"]), (&json!(2), &json!(1)), "{sort}");
        let changes = json!({"sort": sort, "collapseThreads": collapse, "calculateTotal": true, "sinceQueryState": state});
        assert_eq!(alice.call("Email/queryChanges", changes).await["total"], 2, "{sort}");
    }
}
