use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Fixture, Person, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

/// The methods that work on no account: every other one there is takes the account's id.
const OF_NO_ACCOUNT: [&str; 3] = ["Core/echo", "PushSubscription/get", "PushSubscription/set"];

#[tokio::test]
async fn no_method_works_on_another_account() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let names = sealpost::jmap::methods().map(|method| method.name);
    for method in names.filter(|method| !OF_NO_ACCOUNT.contains(method)) {
        for account in [&*alice.account, "a-nothing"] {
            let refused = bob.refused(method, json!({"accountId": account})).await;
            assert_eq!(refused, "accountNotFound", "{method}");
        }
        // By its description: a method that takes the null may miss other arguments.
        let (_, refused) = bob.calls(&[(method, json!({"accountId": null}))]).await.remove(0);
        assert_eq!(refused["description"], "accountId is missing", "{method}");
    }
    assert_eq!(alice.counts("inbox").await[0], 1);
}

#[tokio::test]
async fn ids_of_another_account_are_not_found() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let email = alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let got = alice.call("Email/get", json!({"ids": [email], "properties": ["blobId", "threadId"]})).await;
    let (blob, thread) = (got["list"][0]["blobId"].clone(), got["list"][0]["threadId"].clone());
    let inbox = alice.mailbox("inbox").await;

    for (method, id) in [("Email/get", json!(email)), ("Thread/get", thread), ("Mailbox/get", json!(inbox))] {
        let answer = bob.call(method, json!({"ids": [id]})).await;
        assert_eq!(
            (answer["list"].clone(), answer["notFound"].clone()),
            (json!([]), json!([id])),
            "{method}"
        );
    }
    let answer =
        bob.call("Email/query", json!({"filter": {"inMailbox": inbox}, "calculateTotal": true})).await;
    assert_eq!((answer["ids"].clone(), answer["total"].clone()), (json!([]), json!(0)));
    let seen = json!({"update": {email.as_str(): {"keywords/$seen": true}}, "destroy": [email]});
    let answer = bob.call("Email/set", seen).await;
    assert_eq!(answer["notUpdated"][&email]["type"], "notFound");
    assert_eq!(answer["notDestroyed"][&email]["type"], "notFound");
    let answer = bob.call("Mailbox/set", json!({"destroy": [inbox]})).await;
    assert_eq!(answer["notDestroyed"][&inbox]["type"], "notFound");
    let own = bob.mailbox("inbox").await;
    for (blob, mailbox, kind) in [(&blob, &own, "invalidProperties"), (&blob, &inbox, "invalidProperties")] {
        let email = json!({"blobId": blob, "mailboxIds": {mailbox: true}});
        let answer = bob.call("Email/import", json!({"emails": {"k": email}})).await;
        assert_eq!(answer["notCreated"]["k"]["type"], kind);
    }
    let create = json!({"k": {"identityId": "self", "emailId": email}});
    let answer = bob.call("EmailSubmission/set", json!({"create": create})).await;
    assert_eq!(answer["notCreated"]["k"]["type"], "invalidProperties");
    assert_eq!(alice.counts("inbox").await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn blobs_of_another_account_are_not_found() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let letter = sealed_letter("alice@sealpost.example", "bob@sealpost.example", "");
    let blob = alice.upload(letter.clone()).await;
    let status = async |person: &Person, account: &str| {
        let path = format!("/jmap/download/{account}/{blob}/x");
        person.send(Request::get(path), Body::empty()).await.status()
    };
    assert_eq!(status(&alice, &alice.account).await, StatusCode::OK);
    assert_eq!(status(&bob, &bob.account).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&bob, &alice.account).await, StatusCode::NOT_FOUND);
    let nobody = Person { cookie: "sealpost=guess".into(), ..alice.clone() };
    assert_eq!(status(&nobody, &alice.account).await, StatusCode::UNAUTHORIZED);
    let request = Request::post(format!("/jmap/upload/{}", alice.account));
    assert_eq!(bob.send(request, "x").await.status(), StatusCode::NOT_FOUND);
    // What a link asks for as a page is still no page.
    let page = Request::get(format!("/jmap/download/{}/{blob}/x?type=text/html", alice.account));
    let response = alice.send(page, Body::empty()).await;
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    // The same bytes, uploaded by both, belong to both.
    assert_eq!(bob.upload(letter).await, blob);
    assert_eq!(status(&bob, &bob.account).await, StatusCode::OK);
}
