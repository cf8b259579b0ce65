use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures::stream;
use jmap::AccountId;
use sealpost::allowance::RECIPIENTS;
use sealpost::store::sql::{self, Text};
use sealpost::store::{self, StoreError};
use serde_json::{Value, json};

use crate::strangers::public;
use crate::support::{Fixture, Served, clear_letter, eventually, json_of, on_postgres, sealed_letter, skip};

#[tokio::test]
async fn a_request_with_too_many_calls_is_refused_whole() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let calls: Vec<Value> = (0..33).map(|n| json!(["Core/echo", {}, n.to_string()])).collect();
    let request = json!({"using": [jmap::CORE], "methodCalls": calls});
    let (status, problem) = alice.request(request.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["type"], "urn:ietf:params:jmap:error:limit");
    assert_eq!(problem["limit"], "maxCallsInRequest");
}

#[tokio::test]
async fn too_many_objects_are_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let ids: Vec<String> = (0..1001).map(|n| format!("e{n}")).collect();
    for method in ["Email/get", "Mailbox/get", "Thread/get", "EmailSubmission/get", "Identity/get"] {
        assert_eq!(alice.refused(method, json!({"ids": ids})).await, "requestTooLarge", "{method}");
    }
    for method in ["Email/set", "Mailbox/set", "EmailSubmission/set"] {
        assert_eq!(alice.refused(method, json!({"destroy": ids})).await, "requestTooLarge", "{method}");
    }
    assert_eq!(alice.refused("Certificate/lookup", json!({"addresses": ids})).await, "requestTooLarge");
    let page = alice.call("Email/query", json!({"limit": 1_000_000})).await;
    assert_eq!(page["limit"], 1000);
}

#[tokio::test]
async fn a_filter_that_is_too_deep_is_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut deep = json!({"hasKeyword": "x"});
    for _ in 0..20 {
        deep = json!({"operator": "NOT", "conditions": [deep]});
    }
    assert_eq!(alice.refused("Email/query", json!({"filter": deep})).await, "unsupportedFilter");
    let wide: Vec<Value> = (0..200).map(|n| json!({"hasKeyword": format!("k{n}")})).collect();
    let wide = json!({"operator": "OR", "conditions": wide});
    assert_eq!(alice.refused("Email/query", json!({"filter": wide})).await, "unsupportedFilter");
}

#[tokio::test]
async fn a_search_for_too_much_text_is_refused_and_signs_of_patterns_are_text() {
    let fixture = Fixture::start().await;
    let office = public(&fixture, "office").await;
    let letter = clear_letter("a@b.example", "office@sealpost.example", "", "it costs 50%_!_more");
    office.import(letter, "inbox", json!({})).await;
    let words: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    for filter in [
        json!({"text": words.join(" ")}),
        json!({"body": "%".repeat(5000)}),
        json!({"body": words.join(" ")}),
        json!({"header": ["X", "_".repeat(100_000)]}),
        json!({"hasKeyword": "k".repeat(100_000)}),
        json!({"operator": "OR", "conditions": vec![json!({"text": "a b c d e f"}); 20]}),
    ] {
        let refused = office.refused("Email/query", json!({"filter": filter})).await;
        assert_eq!(refused, "unsupportedFilter", "{filter}");
    }
    let sort = json!([{"property": "hasKeyword", "keyword": "k".repeat(100_000)}]);
    assert_eq!(office.refused("Email/query", json!({"sort": sort})).await, "unsupportedSort");
    let name = json!({"text": "%".repeat(100_000)});
    assert_eq!(office.refused("Directory/query", name).await, "invalidArguments");
    for (text, found) in [
        ("50%_!_more", 1),
        ("5%more", 0),
        ("50%__!", 0),
        ("50_", 0),
        ("%_!_", 1),
        (&"many words ".repeat(12), 0),
    ] {
        let query = office.call("Email/query", json!({"filter": {"text": text}})).await;
        assert_eq!(query["ids"].as_array().unwrap().len(), found, "{text}");
    }
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_given_up() {
    let test = "a_search_that_takes_too_long_is_given_up";
    if on_postgres().is_none() {
        return skip(test, "SQLite has no lock to hold a reader up; its limit is tested where it is set");
    }
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let filter = json!({"inMailbox": alice.mailbox("inbox").await});
    alice.call("Email/query", json!({"filter": filter})).await;
    let mut writing = fixture.relay.store.writing().await.unwrap();
    let lock = "LOCK TABLE email_mailboxes IN ACCESS EXCLUSIVE MODE";
    sql::script(&mut writing, lock).await.unwrap();
    assert_eq!(alice.refused("Email/query", json!({"filter": filter})).await, "unsupportedFilter");
    store::end_writing(&mut writing, false).await.unwrap();
    alice.call("Email/query", json!({})).await;
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let served = Served::start(&["alice"], |config| config.max_message_size = 1000).await;
    let alice = served.fixture.sign_in("alice").await;
    let relay = &served.fixture.relay;
    let all = relay.limits.uploaded_an_hour();
    assert!(relay.uploading.take(&alice.account.as_str().into(), all, sealpost::clock::now()));
    // Also of whom nothing more is taken within the hour: it would not fit then either.
    let request = Request::post(format!("/jmap/upload/{}", alice.account));
    let (status, problem) = json_of(alice.send(request, vec![0; 1001]).await).await;
    assert_eq!((status, problem["limit"].clone()), (StatusCode::PAYLOAD_TOO_LARGE, json!("maxSizeUpload")));
    let (status, problem) = alice.request(vec![b' '; 10 * 1024 * 1024 + 1]).await;
    assert_eq!((status, problem["limit"].clone()), (StatusCode::PAYLOAD_TOO_LARGE, json!("maxSizeRequest")));
    let request = Request::post("/tsa").header(header::CONTENT_TYPE, "application/timestamp-query");
    assert_eq!(alice.send(request, vec![0; 5000]).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_vault_is_bounded() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let large = "A".repeat(400 * 1024);
    assert_eq!(
        alice.refused("Vault/set", json!({"ifInState": "0", "blob": large})).await,
        "invalidArguments"
    );
}

#[tokio::test]
async fn of_uploads_that_nothing_uses_the_oldest_make_room() {
    let served = Served::start(&["alice"], |config| config.max_message_size = 4000).await;
    let alice = served.fixture.sign_in("alice").await;
    let letter = || sealed_letter("alice@sealpost.example", "x@y.example", "");
    let used = alice.import(letter(), "inbox", json!({})).await;
    let (mut uploads, size) = (Vec::new(), letter().len());
    for _ in 0..(16 * 4000 / size + 3) {
        uploads.push(alice.upload(letter()).await);
    }
    let blob = alice.call("Email/get", json!({"ids": [used], "properties": ["blobId"]})).await;
    let there = async |blob: &Value| {
        let path = format!("/jmap/download/{}/{}/x", alice.account, blob.as_str().unwrap());
        alice.send(Request::get(path), "").await.status() == StatusCode::OK
    };
    assert!(there(&blob["list"][0]["blobId"]).await, "an email holds it");
    assert!(!there(&json!(uploads[0])).await && !there(&json!(uploads[1])).await, "the oldest are gone");
    assert!(there(&json!(uploads[4])).await && there(&json!(uploads.last())).await, "as few as are needed");
}

#[tokio::test]
async fn an_account_uploads_so_much_within_an_hour() {
    let served = Served::start(&["alice"], |config| config.max_message_size = 4000).await;
    let office = public(&served.fixture, "office").await;
    let post = || Request::post(format!("/jmap/upload/{}", office.account));
    let named = |n: u16| [n.to_be_bytes().as_slice(), &[b'x'; 3998]].concat();
    for n in 0..62 {
        assert_eq!(office.send(post(), named(n)).await.status(), StatusCode::OK, "{n}");
    }
    // What does not say how long it is counts for the longest until it has come.
    let untold = |bytes| Body::from_stream(stream::iter([Ok::<_, Infallible>(bytes)]));
    assert_eq!(office.send(post(), untold("short")).await.status(), StatusCode::OK);
    assert_eq!(office.send(post(), named(63)).await.status(), StatusCode::OK);
    let text = |text: String| json!({"create": {"k": {"data": [{"data:asText": text}]}}});
    let kept = office.call("Blob/upload", text("y".repeat(3000))).await;
    assert_eq!(kept["created"]["k"]["size"], 3000);
    let refused = office.call("Blob/upload", text("z".repeat(3000))).await;
    assert_eq!(refused["notCreated"]["k"]["type"], "rateLimit");
    // The smallest counts for its row, a thousandth of the longest.
    for n in 0..331 {
        let kept = office.call("Blob/upload", text(n.to_string())).await;
        assert!(kept["created"]["k"].is_object(), "{n}: {kept}");
    }
    assert_eq!(office.call("Blob/upload", text("no".into())).await["notCreated"]["k"]["type"], "rateLimit");
    // A body that never comes is not waited for.
    let never = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    let refused = office.send(post(), never).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    served.fixture.sign_in("alice").await.upload(sealed_letter("a@b.example", "x@y.example", "")).await;
}

#[tokio::test]
async fn of_many_uploads_that_nothing_uses_a_hundred_go_at_once() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let many = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2150)
         INSERT INTO blobs (id, size, in_file, refs, idle_since) SELECT 'b' || i, 1, 1, 1, 1 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2150)
         INSERT INTO account_blobs (account_id, blob_id, added_at, in_use) SELECT '{}', 'b' || i, i, 0 FROM n",
        alice.account
    );
    let mut writing = fixture.relay.store.writing().await.unwrap();
    sql::script(&mut writing, Text::of_constants(many)).await.unwrap();
    store::end_writing(&mut writing, true).await.unwrap();
    for (left, oldest) in [(2_051, 101), (2_000, 153), (2_000, 154)] {
        alice.upload(sealed_letter("a@b.example", "x@y.example", "")).await;
        let idle = "SELECT COUNT(*), MIN(added_at) FROM account_blobs WHERE in_use = 0";
        let mut reading = fixture.relay.store.read().await.unwrap();
        let row = sql::query(idle).fetch_one(&mut reading).await.unwrap();
        let (count, since): (i64, i64) = (row.try_get(0).unwrap(), row.try_get(1).unwrap());
        assert_eq!((count, since), (left, oldest));
    }
}

#[tokio::test]
async fn references_do_not_multiply_what_they_refer_to() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let reference = json!({"resultOf": "c0", "name": "Core/echo", "path": "/a"});
    let copies: serde_json::Map<String, Value> =
        (0..1000).map(|n| (format!("#k{n}"), reference.clone())).collect();
    let calls = [("Core/echo", json!({"a": "x".repeat(100_000)})), ("Core/echo", Value::Object(copies))];
    let answers = alice.calls(&calls).await;
    assert_eq!(answers[1].1["type"], "invalidResultReference");
    // Many calls share what one may copy.
    let mut calls = vec![("Core/echo", json!({"a": "x".repeat(100_000)}))];
    calls.extend((0..31).map(|_| ("Core/echo", json!({"#a": reference}))));
    let answers = alice.calls(&calls).await;
    assert_eq!(answers.iter().filter(|(name, _)| name == "Core/echo").count(), 11);
}

#[tokio::test]
async fn too_many_properties_and_comparators_are_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter("alice@sealpost.example", "x@y.example", ""), "inbox", json!({}));
    let email = email.await;
    let properties = vec!["header:X"; 101];
    let many = json!({"ids": [email], "properties": properties});
    assert_eq!(alice.refused("Email/get", many).await, "requestTooLarge");
    for (method, property) in [("Mailbox/query", "name"), ("Email/query", "size")] {
        let sort = |count| json!({"sort": vec![json!({"property": property}); count]});
        assert_eq!(alice.refused(method, sort(9)).await, "unsupportedSort", "{method}");
        alice.call(method, sort(8)).await;
    }
}

#[tokio::test]
async fn a_call_makes_no_more_than_fifty_submissions() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let submission = json!({"identityId": "self", "emailId": "e-nothing"});
    let create: serde_json::Map<String, Value> =
        (0..51).map(|n| (format!("k{n}"), submission.clone())).collect();
    assert_eq!(alice.refused("EmailSubmission/set", json!({"create": create})).await, "requestTooLarge");
}

#[tokio::test]
async fn submissions_that_came_to_nothing_are_not_counted() {
    let fixture = Fixture::start().await;
    let (relay, alice) = (&fixture.relay, fixture.sign_in("alice").await);
    let account = AccountId::from(&*alice.account);
    let to_bob = |padding: &str| sealed_letter("alice@sealpost.example", "bob@sealpost.example", padding);
    let short = alice.import(to_bob(""), "drafts", json!({})).await;
    let long = format!("References: {}\r\n", "<x@y>".repeat(14_000));
    let long = alice.import(to_bob(&long), "drafts", json!({})).await;
    let submit = |email: &str| json!({"identityId": "self", "emailId": email});
    let both = json!({"a": submit(&short), "b": submit(&long)});
    // Somebody's other requests hold all that the account may.
    let mut held = relay.reading.hold(&account);
    held.grow(2 * relay.limits.max_size_upload).unwrap();
    let refused = alice.refused("EmailSubmission/set", json!({"create": both})).await;
    assert_eq!(refused, "serverUnavailable", "the second cannot be read");
    drop(held);
    let create = json!({"create": both, "ifInState": "another"});
    assert_eq!(alice.refused("EmailSubmission/set", create).await, "stateMismatch");
    let all = |octets| relay.sending.take(&account, octets, sealpost::clock::now());
    assert!(all(RECIPIENTS) && !all(1), "nothing was counted");
    relay.sending.give_back(&account, 2);
    let made = alice.call("EmailSubmission/set", json!({"create": both})).await;
    assert_eq!(made["created"].as_object().map(|map| map.len()), Some(2), "{made}");
    assert!(!all(1), "what is sent is counted");
}

#[tokio::test]
async fn letters_that_are_written_count_with_all_that_they_hold() {
    let served = Served::start(&[], |config| config.max_message_size = 1024 * 1024).await;
    let news = public(&served.fixture, "news").await;
    let inbox = news.mailbox("inbox").await;
    let (_, session) = news.get("/.well-known/jmap").await;
    let most =
        &session["accounts"][&news.account]["accountCapabilities"][jmap::MAIL]["maxSizeAttachmentsPerEmail"];
    assert_eq!(most, 1024 * 1024 / 78 * 57, "what fits when it is base64");
    // Each of these holds its own bytes and its text, and none of them counts for anybody by itself.
    let mut state = 1_u64;
    let text = (0..40_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'a' + (state >> 60) as u8
    });
    let blob = news.upload(text.collect()).await;
    let letters = |count: usize| {
        let part = json!([{"blobId": blob, "type": "text/plain"}]);
        let letter = |n| json!({"mailboxIds": {&inbox: true}, "textBody": part, "subject": format!("{n}")});
        (0..count).map(|n| (format!("k{n}"), letter(n))).collect::<serde_json::Map<String, Value>>()
    };
    let made = news.call("Email/set", json!({"create": letters(8)})).await;
    assert_eq!(made["created"].as_object().map(|map| map.len()), Some(8), "{}", made["notCreated"]);
    assert_eq!(news.refused("Email/set", json!({"create": letters(500)})).await, "serverUnavailable");
    assert_eq!(news.emails_in("inbox").await.len(), 8);
    let made = news.call("Email/set", json!({"create": letters(8)})).await;
    assert_eq!(made["created"].as_object().map(|map| map.len()), Some(8), "it is given back");
}

#[tokio::test]
async fn keywords_are_as_long_as_the_index_has_room_for() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let email = alice.import(sealed_letter("a@b.example", "x@y.example", ""), "inbox", json!({})).await;
    // No two alike, and of letters that are hard to pack.
    let mut state = 1_u64;
    let keyword = |_| {
        let letters = (0..249).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        });
        (letters.collect::<String>(), json!(true))
    };
    let all: Vec<(String, Value)> = (0..9).map(keyword).collect();
    let set = |count: usize| {
        let keywords: serde_json::Map<String, Value> = all.iter().take(count).cloned().collect();
        json!({"update": {&email: {"keywords": keywords}}})
    };
    let updated = alice.call("Email/set", set(8)).await;
    assert!(updated["updated"].get(&email).is_some(), "{updated}");
    let refused = alice.call("Email/set", set(9)).await;
    assert_eq!(refused["notUpdated"][&email]["type"], "tooManyKeywords", "{refused}");
    let found = alice.call("Email/query", json!({"filter": {"hasKeyword": all[7].0}})).await;
    assert_eq!(found["ids"], json!([email]));
}

#[tokio::test]
async fn what_goes_on_without_its_client_keeps_its_turn() {
    let fixture = Fixture::start().await;
    let relay = &fixture.relay;
    let alice = fixture.sign_in("alice").await;
    let inbox = alice.mailbox("inbox").await;
    // Nobody writes to the account until then.
    let (held, released) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (hold, release) = (Arc::clone(&held), Arc::clone(&released));
    let (store, account) = (Arc::clone(relay), AccountId::from(&*alice.account));
    let writing = tokio::spawn(async move {
        let write = store.store.write(move |tx| {
            Box::pin(async move {
                store::lock_accounts(tx, [&account]).await?;
                hold.notify_one();
                released.notified().await;
                Ok::<_, StoreError>(())
            })
        });
        write.await.unwrap();
    });
    held.notified().await;
    let rename = json!({"accountId": alice.account, "update": {inbox: {"name": "In"}}});
    let calls = json!([["Core/echo", {}, "0"], ["Mailbox/set", rename, "1"]]);
    let request = json!({"using": [jmap::CORE, jmap::MAIL], "methodCalls": calls}).to_string();
    let ask = || {
        let (alice, request) = (alice.clone(), request.clone());
        tokio::spawn(async move { alice.request(request).await })
    };
    let asked: Vec<_> = (0..8).map(|_| ask()).collect();
    let begun = "sealpost_jmap_calls_total{method=\"Core/echo\",outcome=\"ok\"} 8\n";
    eventually(async || relay.metrics.text(relay).await.unwrap().contains(begun).then_some(())).await;
    for one in asked {
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
    }
    let echo = json!({"using": [jmap::CORE], "methodCalls": [["Core/echo", {}, "0"]]}).to_string();
    let (status, problem) = alice.request(echo.clone()).await;
    assert_eq!((status, &problem["limit"]), (StatusCode::TOO_MANY_REQUESTS, &json!("maxConcurrentRequests")));
    release.notify_one();
    writing.await.unwrap();
    eventually(async || (alice.request(echo.clone()).await.0 == StatusCode::OK).then_some(())).await;
}
