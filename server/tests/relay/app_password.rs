use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealpost::session::{app_password, sign_in};
use sealpost::store::{self, StoreError};
use tower::ServiceExt;

use crate::support::{Fixture, PASSWORD, json_of};

const ALICE: &str = "alice@sealpost.example";

async fn issued(fixture: &Fixture, address: &str) -> String {
    let mut connection = fixture.relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut connection, address).await.unwrap().unwrap();
    drop(connection);
    let issue = fixture
        .relay
        .store
        .write(move |tx| Box::pin(async move { app_password::issue(tx, &account.id, "phone").await }));
    issue.await.map_err(|error: StoreError| error).unwrap()
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

#[tokio::test]
async fn an_app_password_opens_its_account_by_an_address_in_any_case() {
    let fixture = Fixture::start().await;
    crate::support::add_people(&fixture.relay, &["zoë"]).await;
    let password = issued(&fixture, "zoë@sealpost.example").await;
    for name in ["zoë@sealpost.example", "ZOË@sealpost.example"] {
        let answer = session(&fixture, &basic(name, &password)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
    }
}

async fn session(fixture: &Fixture, authorization: &str) -> axum::http::Response<Body> {
    let request = Request::get("/.well-known/jmap").header(header::AUTHORIZATION, authorization);
    fixture.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_app_password_opens_its_account_by_basic_and_by_bearer() {
    let fixture = Fixture::start().await;
    let password = issued(&fixture, ALICE).await;
    for authorization in [
        basic(ALICE, &password),
        basic("Alice@Sealpost.example", &password.replace('-', "")),
        format!("Bearer {password}"),
        format!("bearer {password}"),
    ] {
        let (status, session) = json_of(session(&fixture, &authorization).await).await;
        assert_eq!(status, StatusCode::OK, "{authorization}");
        assert_eq!(session["username"], ALICE);
    }
    let other = if password.ends_with('x') { "y" } else { "x" };
    let wrong = format!("{}{other}", password.strip_suffix(|_| true).unwrap());
    for authorization in [
        basic("bob@sealpost.example", &password),
        basic(ALICE, &wrong),
        basic(ALICE, crate::support::PASSWORD),
        format!("Bearer {wrong}"),
        format!("Digest {password}"),
        "Bearer".to_owned(),
        format!("Basic {password}"),
    ] {
        let response = session(&fixture, &authorization).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{authorization}");
        assert!(response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "));
    }
}

#[tokio::test]
async fn a_revoked_app_password_opens_nothing_and_its_secret_lies_nowhere() {
    let fixture = Fixture::start().await;
    let password = issued(&fixture, ALICE).await;
    let mut connection = fixture.relay.store.read().await.unwrap();
    let account = store::account_by_address(&mut connection, ALICE).await.unwrap().unwrap();
    let listed = store::app_passwords(&mut connection, &account.id).await.unwrap();
    drop(connection);
    assert_eq!((listed.len(), &*listed[0].label), (1, "phone"));
    assert!(password.starts_with(&listed[0].id));
    let mut disk = Vec::new();
    crate::support::gather(&fixture.folder.path().join("data"), &mut disk);
    for secret in [&password[9..17], &password[18..26], &password[27..35]] {
        assert!(!crate::support::holds(&disk, secret));
    }
    let (owner, id) = (account.id.clone(), listed[0].id.clone());
    let revoke = fixture
        .relay
        .store
        .write(move |tx| Box::pin(async move { store::drop_app_password(tx, &owner, &id).await }));
    assert!(revoke.await.map_err(|error: StoreError| error).unwrap());
    let refused = session(&fixture, &format!("Bearer {password}")).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_app_passwords_are_counted_and_a_right_one_is_not_kept_waiting() {
    let fixture = Fixture::start().await;
    let password = issued(&fixture, ALICE).await;
    let guess = basic(ALICE, "aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa");
    for _ in 0..10 {
        assert_eq!(session(&fixture, &guess).await.status(), StatusCode::UNAUTHORIZED);
    }
    let response = session(&fixture, &guess).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(session(&fixture, &basic(ALICE, &password)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn however_many_app_passwords_are_guessed_everybody_signs_in_on_the_page() {
    let fixture = Fixture::start().await;
    let [stranger, neighbour] = [66, 7].map(|last| Some([203, 0, 113, last].into()));
    for number in 0..700_000 {
        let name = format!("n{number}");
        app_password::account_of(&fixture.relay, Some(&name), "x", stranger).await.unwrap_err();
    }
    for _ in 0..10 {
        app_password::account_of(&fixture.relay, Some(ALICE), "x", neighbour).await.unwrap_err();
    }
    for source in [stranger, neighbour] {
        sign_in(&fixture.relay, ALICE, PASSWORD.into(), source).await.unwrap();
    }
}

#[tokio::test]
async fn a_browser_is_not_made_to_ask_for_a_password_in_a_window_of_its_own() {
    let fixture = Fixture::start().await;
    for (mode, challenged) in [(Some("cors"), false), (None, true)] {
        let mut request = Request::get("/.well-known/jmap");
        if let Some(mode) = mode {
            request = request.header("sec-fetch-mode", mode);
        }
        let response = fixture.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), challenged);
    }
}
