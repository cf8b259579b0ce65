use axum::http::{Request, StatusCode, header};
use serde_json::json;

use crate::support::{Fixture, json_of};

#[tokio::test]
async fn a_request_that_is_none_gets_the_error_of_its_kind() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let core = jmap::CORE;
    for (body, kind) in [
        ("{".to_owned(), "notJSON"),
        ("\u{feff}{}".to_owned(), "notJSON"),
        ("[".repeat(100_000), "notJSON"),
        (r#"{"using": [], "methodCalls": [], "using": []}"#.to_owned(), "notJSON"),
        ("{}".to_owned(), "notRequest"),
        ("[]".to_owned(), "notRequest"),
        (json!({"using": [core], "methodCalls": [["Core/echo", {}]]}).to_string(), "notRequest"),
        (json!({"using": [core], "methodCalls": "all"}).to_string(), "notRequest"),
        (json!({"using": ["urn:smell"], "methodCalls": []}).to_string(), "unknownCapability"),
    ] {
        let (status, problem) = alice.request(body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(problem["type"], format!("urn:ietf:params:jmap:error:{kind}"));
    }
    let request = Request::post("/jmap/api").header(header::CONTENT_TYPE, "text/plain");
    let (_, problem) = json_of(alice.send(request, "{}").await).await;
    assert_eq!(problem["type"], "urn:ietf:params:jmap:error:notJSON");
    let request = Request::post("/jmap/api").header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    let body = json!({"using": [core], "methodCalls": []}).to_string();
    assert_eq!(alice.send(request, body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_bad_call_does_not_spoil_the_others() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let answers = alice
        .calls(&[
            ("Core/echo", json!({"hello": true})),
            ("Smell/get", json!({})),
            ("Email/get", json!({"ids": "all"})),
            ("Email/get", json!({"#ids": {"resultOf": "c9", "name": "Email/query", "path": "/ids"}})),
            ("Core/echo", json!({})),
        ])
        .await;
    assert_eq!(answers[0].1["hello"], true);
    for (place, kind) in [(1, "unknownMethod"), (2, "invalidArguments"), (3, "invalidResultReference")] {
        assert_eq!((answers[place].0.as_str(), answers[place].1["type"].as_str()), ("error", Some(kind)));
    }
    assert_eq!(answers[4].0, "Core/echo");
}

#[tokio::test]
async fn capabilities_that_are_registered_can_be_named_and_bring_no_method() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let calls = json!([["Core/echo", {}, "a"], ["ContactCard/get", {"accountId": alice.account}, "b"]]);
    let using = [jmap::CORE, "urn:ietf:params:jmap:contacts", "urn:ietf:params:jmap:sieve"];
    let (status, answer) = alice.request(json!({"using": using, "methodCalls": calls}).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["methodResponses"][0][0], "Core/echo");
    assert_eq!(answer["methodResponses"][1][1]["type"], "unknownMethod");
}

#[tokio::test]
async fn a_method_is_unknown_without_its_capability() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let call = json!(["Email/query", {"accountId": alice.account}, "c0"]);
    let request = json!({"using": [jmap::CORE], "methodCalls": [call]});
    let (_, response) = alice.request(request.to_string()).await;
    assert_eq!(response["methodResponses"][0][1]["type"], "unknownMethod");
}

#[tokio::test]
async fn created_ids_come_back_when_they_were_given() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let set = json!(["Mailbox/set", {"accountId": alice.account, "create": {"k": {"name": "New"}}}, "c0"]);
    let request =
        json!({"using": [jmap::CORE, jmap::MAIL], "methodCalls": [set], "createdIds": {"old": "m1"}});
    let (_, response) = alice.request(request.to_string()).await;
    assert_eq!(response["createdIds"]["old"], "m1");
    assert!(response["createdIds"]["k"].as_str().unwrap().starts_with('m'));
    let request = json!({"using": [jmap::CORE], "methodCalls": []});
    let (_, response) = alice.request(request.to_string()).await;
    assert!(response.get("createdIds").is_none());
}

#[tokio::test]
async fn without_a_session_there_is_nothing() {
    let fixture = Fixture::start().await;
    let mut nobody = fixture.sign_in("alice").await;
    for cookie in ["", "sealpost=", "sealpost=AAAA", "other=1"] {
        nobody.cookie = cookie.to_owned();
        assert_eq!(nobody.get("/.well-known/jmap").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(
            nobody.get("/jmap/eventsource?types=*&closeafter=no&ping=0").await.0,
            StatusCode::UNAUTHORIZED
        );
        let request = json!({"using": [jmap::CORE], "methodCalls": []});
        assert_eq!(nobody.request(request.to_string()).await.0, StatusCode::UNAUTHORIZED);
    }
}
