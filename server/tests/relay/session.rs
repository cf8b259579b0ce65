use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use sealpost::config::Config;
use sealpost::http;
use sealpost::relay::Relay;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Fixture, Folder, PASSWORD, add_people, config, disk, holds, json_of};

async fn attempt(fixture: &Fixture, username: &str, password: &str) -> axum::http::Response<Body> {
    let body = json!({"username": username, "password": password}).to_string();
    let request = Request::post("/auth/sign-in").header(header::CONTENT_TYPE, "application/json");
    fixture.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_address_look_alike() {
    let fixture = Fixture::start().await;
    for username in ["alice@sealpost.example", "nobody@sealpost.example"] {
        let response = attempt(&fixture, username, "wrong").await;
        assert!(response.headers().get(header::SET_COOKIE).is_none());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let (status, problem) = json_of(response).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(problem["detail"], "the address or the password is wrong");
    }
}

#[tokio::test]
async fn too_many_wrong_passwords_close_the_door_for_a_while() {
    let fixture = Fixture::start().await;
    for _ in 0..10 {
        assert_eq!(
            attempt(&fixture, "alice@sealpost.example", "wrong").await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
    let response = attempt(&fixture, "alice@sealpost.example", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers()[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() <= 300);
    assert_eq!(attempt(&fixture, "bob@sealpost.example", PASSWORD).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_a_source_of_its_own() {
    let proxy: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let folder = Folder::new();
    let trusted = vec!["10.0.0.0/8".parse().unwrap()];
    let relay = Relay::open(Config { forwarded_networks: trusted, ..config(&folder) }).await.unwrap();
    add_people(&relay, &["alice"]).await;
    let router = http::router(relay);
    let attempt = async |client: &str, password: &str| {
        let body = json!({"username": "alice@sealpost.example", "password": password}).to_string();
        let request = Request::post("/auth/sign-in")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", client)
            .extension(ConnectInfo(proxy));
        router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status()
    };
    for _ in 0..10 {
        assert_eq!(attempt("203.0.113.66", "wrong").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(attempt("203.0.113.66", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(attempt("203.0.113.7", PASSWORD).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_script_and_of_other_sites() {
    let fixture = Fixture::start().await;
    let response = attempt(&fixture, "alice@sealpost.example", PASSWORD).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
}

#[tokio::test]
async fn the_token_is_not_in_the_database() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let token = alice.cookie.split('=').nth(1).unwrap().to_owned();
    let disk = disk(&fixture.folder);
    assert!(!holds(&disk, &token));
    assert!(holds(&disk, "alice"), "the search finds what is there");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    assert_eq!(alice.get("/.well-known/jmap").await.0, StatusCode::OK);
    let response = alice.send(Request::post("/auth/sign-out"), Body::empty()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(alice.get("/.well-known/jmap").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_site_cannot_use_the_cookie() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let request = Request::post("/auth/sign-out").header("sec-fetch-site", "cross-site");
    assert_eq!(alice.send(request, Body::empty()).await.status(), StatusCode::FORBIDDEN);
    let request = Request::post("/jmap/api").header(header::ORIGIN, "https://evil.example");
    assert_eq!(alice.send(request, Body::empty()).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(alice.get("/.well-known/jmap").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_session_object_tells_limits_urls_and_trust() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let request = Request::get("/.well-known/jmap").header(header::HOST, "localhost:8080");
    let (_, session) = json_of(alice.send(request, Body::empty()).await).await;
    assert_eq!(session["username"], "alice@sealpost.example");
    assert_eq!(session["apiUrl"], "http://localhost:8080/jmap/api");
    assert!(session["downloadUrl"].as_str().unwrap().contains("{blobId}"));
    let session: jmap::Session = serde_json::from_value(session).unwrap();
    assert!(session.core().unwrap().max_objects_in_get >= 500);
    let sealed = session.sealed().unwrap();
    assert_eq!((sealed.trust_anchors.len(), sealed.timestamp_anchors.len()), (1, 1));
    assert_eq!(sealed.clear_url, "/jmap/clear/{accountId}");
    assert!(session.accounts.keys().all(|id| id.is_valid()));
}

#[tokio::test]
async fn the_session_has_another_state_when_something_in_it_changed() {
    let folder = Arc::new(Folder::new());
    let size = Config::default().max_message_size;
    let mut states = Vec::new();
    for max_message_size in [size, size, size / 2] {
        let config = Config { max_message_size, ..config(&folder) };
        let relay = Relay::open(config).await.unwrap();
        if states.is_empty() {
            add_people(&relay, &["alice"]).await;
        }
        let router = http::router(Arc::clone(&relay));
        let fixture = Fixture { router, relay, folder: Arc::clone(&folder) };
        let alice = fixture.sign_in("alice").await;
        let (_, session) = alice.get("/.well-known/jmap").await;
        let echo = json!({"using": [jmap::CORE], "methodCalls": [["Core/echo", {}, "c"]]});
        let (_, answer) = alice.request(echo.to_string()).await;
        assert_eq!(answer["sessionState"], session["state"]);
        states.push(session["state"].as_str().unwrap().to_owned());
        fixture.relay.close().await;
    }
    assert_eq!(states[0], states[1], "a new start changes nothing");
    assert_ne!(states[1], states[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_that_are_made_at_once_are_counted_one_by_one() {
    let fixture = Fixture::start().await;
    let guesses: Vec<String> = (0..40).map(|n| format!("guess {n}")).collect();
    let attempts = guesses.iter().map(|guess| attempt(&fixture, "alice@sealpost.example", guess));
    let answers = futures::future::join_all(attempts).await;
    let statuses: Vec<StatusCode> = answers.iter().map(axum::http::Response::status).collect();
    let checked = statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(checked, 10);
    assert!(
        statuses
            .iter()
            .all(|status| { [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(status) })
    );
}

#[tokio::test]
async fn credentials_that_are_nobodys_are_not_read() {
    let fixture = Fixture::start().await;
    let long = "u".repeat(1_900_000);
    assert_eq!(attempt(&fixture, &long, "x").await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // More often than wrong passwords are let through: these are refused before they are counted.
    for _ in 0..20 {
        let status = attempt(&fixture, "alice@sealpost.example", &"x".repeat(1025)).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(attempt(&fixture, &"u".repeat(255), "x").await.status(), StatusCode::UNAUTHORIZED);
    }
    fixture.sign_in("alice").await;
}
