use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, Response, StatusCode, header};
use futures::StreamExt;
use jmap::AccountId;
use sealpost::store::{self, StoreError, sql};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Client, Fixture, Person, Served, clear_letter, sealed_letter};

const ALICE: &str = "alice@sealpost.example";

/// An event source.
pub struct Events(BodyDataStream, String);

impl Events {
    pub async fn open(person: &Person, query: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(format!("/jmap/eventsource?{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Self::of(person.send(request, Body::empty()).await)
    }

    pub fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self(response.into_body().into_data_stream(), String::new())
    }

    /// The next event: its fields; none at the end.
    pub async fn next(&mut self) -> Option<Vec<(String, String)>> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let fields = event.lines().filter_map(|line| line.split_once(": "));
                let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                self.1 = rest.to_owned();
                return Some(fields);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.0.next())
                .await
                .expect("an event comes")?;
            self.1.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    pub async fn state(&mut self) -> Option<(Value, String)> {
        let event = self.next().await?;
        let field =
            |name: &str| event.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
        assert_eq!(field("event").as_deref(), Some("state"));
        Some((serde_json::from_str(&field("data").unwrap()).unwrap(), field("id").unwrap()))
    }
}

#[tokio::test]
async fn new_mail_is_pushed_at_once() {
    let served = Served::start(&["alice"], |_| ()).await;
    let alice = served.fixture.sign_in("alice").await;
    let mut events = Events::open(&alice, "types=*&closeafter=no&ping=0", None).await;
    let mut client = Client::greeted(served.running.smtp).await;
    assert!(
        client.deliver(&[ALICE], &clear_letter("a@b.example", ALICE, "", "hello")).await.starts_with("250")
    );
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["@type"], "StateChange");
    let states = change["changed"][&alice.account].clone();
    let email = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    assert_eq!(states["Email"], email);
    assert!(states["Mailbox"].is_string() && states["Thread"].is_string());
    assert_eq!(states["EmailDelivery"], email, "RFC 8621 1.5");
    let email = alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let (change, _) = events.state().await.unwrap();
    assert!(change["changed"][&alice.account]["EmailDelivery"].is_string(), "whenever there is a new email");
    assert!(change["changed"][&alice.account]["Quota"].is_string(), "RFC 9425 5");
    alice.call("Email/set", json!({"update": {email: {"keywords/$seen": true}}})).await;
    let (change, _) = events.state().await.unwrap();
    let changed = change["changed"][&alice.account].as_object().unwrap();
    assert!(
        !changed.contains_key("EmailDelivery") && !changed.contains_key("Quota"),
        "none is new: {change}"
    );
}

/// Lets alice open bob's account, or no longer.
async fn share(fixture: &Fixture, alice: &Person, bob: &Person, end: bool) {
    let (alice, bob) = (AccountId::from(&*alice.account), AccountId::from(&*bob.account));
    let change = fixture.relay.store.write(move |tx| {
        Box::pin(async move {
            match end {
                true => store::unshare(tx, &bob, &alice).await.map(drop),
                false => store::share(tx, &bob, &alice, false).await,
            }
        })
    });
    change.await.map_err(|error: StoreError| error).unwrap();
}

#[tokio::test]
async fn changes_of_a_shared_account_are_heard_until_it_is_shared_no_longer() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    share(&fixture, &alice, &bob, false).await;
    let query = "types=Mailbox&closeafter=no&ping=0";
    let mut events = Events::open(&alice, query, None).await;
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "one"}}})).await;
    let (change, id) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&bob.account]);
    drop(events);
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "two"}}})).await;
    let mut events = Events::open(&alice, query, Some(&id)).await;
    let (change, id) = events.state().await.unwrap();
    let accounts = change["changed"].as_object().unwrap();
    assert!(accounts.contains_key(&bob.account) && accounts.contains_key(&alice.account), "{accounts:?}");
    share(&fixture, &alice, &bob, true).await;
    bob.call("Mailbox/set", json!({"create": {"k": {"name": "three"}}})).await;
    alice.call("Mailbox/set", json!({"create": {"k": {"name": "own"}}})).await;
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&alice.account]);
    let mut events = Events::open(&alice, query, Some(&id)).await;
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&alice.account]);
}

#[tokio::test]
async fn a_push_subscription_ends_with_the_session_that_made_it() {
    let fixture = Fixture::start().await;
    let (one, two) = (fixture.sign_in("alice").await, fixture.sign_in("alice").await);
    let new =
        |device: &str| json!({"create": {"k": {"deviceClientId": device, "url": "https://push.example/x"}}});
    let mut ids = Vec::new();
    for (person, device) in [(&one, "one"), (&two, "two")] {
        let made = person.call("PushSubscription/set", new(device)).await;
        ids.push(made["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned());
    }
    // RFC 8620 7.2.1: each session sees its own.
    let all = two.call("PushSubscription/get", json!({"ids": null})).await["list"].clone();
    assert_eq!((all.as_array().map(Vec::len), all[0]["deviceClientId"].as_str()), (Some(1), Some("two")));
    let answer = two.call("PushSubscription/get", json!({"ids": ids})).await;
    assert_eq!(answer["notFound"], json!([ids[0]]));
    let set = json!({"update": {&ids[0]: {"types": null}}, "destroy": [ids[0]]});
    let answer = two.call("PushSubscription/set", set).await;
    assert_eq!(answer["notUpdated"][&ids[0]]["type"], "notFound");
    assert_eq!(answer["notDestroyed"][&ids[0]]["type"], "notFound");
    let account = AccountId::from(two.account.clone());
    let devices = async || {
        let mut connection = fixture.relay.store.read().await.unwrap();
        let kept = store::subscriptions(&mut connection, &account, sealpost::clock::now()).await.unwrap();
        kept.into_iter().map(|kept| kept.device).collect::<Vec<_>>()
    };
    assert_eq!(devices().await.len(), 2);
    one.send(Request::post("/auth/sign-out"), Body::empty()).await;
    assert_eq!(devices().await, ["two"]);
    // Who makes and destroys them without end is stopped: each has something sent to a URL.
    for _ in 0..60 {
        let made = two.call("PushSubscription/set", new("many")).await;
        let Some(id) = made["created"]["k"]["id"].as_str() else {
            return assert_eq!(made["notCreated"]["k"]["type"], "rateLimit");
        };
        two.call("PushSubscription/set", json!({"destroy": [id]})).await;
    }
    panic!("sixty within an hour were let through");
}

#[tokio::test]
async fn no_session_takes_all_push_subscriptions_of_an_account() {
    let fixture = Fixture::start().await;
    let new = json!({"create": {"k": {"deviceClientId": "one", "url": "https://push.example/x"}}});
    for _ in 0..4 {
        let person = fixture.sign_in("alice").await;
        for n in 0..8 {
            let made = person.call("PushSubscription/set", new.clone()).await;
            assert!(made["created"]["k"].is_object(), "{n}: {made}");
        }
        let refused = person.call("PushSubscription/set", new.clone()).await;
        assert_eq!(refused["notCreated"]["k"]["type"], "overQuota");
    }
    let refused = fixture.sign_in("alice").await.call("PushSubscription/set", new).await;
    assert_eq!(refused["notCreated"]["k"]["type"], "overQuota", "32 of an account");
}

#[tokio::test]
async fn only_the_own_account_and_the_wanted_types_are_heard() {
    let fixture = Fixture::start().await;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let mut events = Events::open(&alice, "types=Mailbox&closeafter=state&ping=0", None).await;
    bob.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let (change, _) = events.state().await.unwrap();
    assert_eq!(change["changed"].as_object().unwrap().keys().collect::<Vec<_>>(), [&alice.account]);
    let types = change["changed"][&alice.account].as_object().unwrap();
    assert_eq!(types.keys().collect::<Vec<_>>(), ["Mailbox"]);
    assert!(events.next().await.is_none(), "closeafter=state closes");
}

#[tokio::test]
async fn who_comes_back_hears_what_was_missed() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut events = Events::open(&alice, "types=*&closeafter=state&ping=0", None).await;
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let (_, id) = events.state().await.unwrap();
    alice.import(sealed_letter(ALICE, ALICE, ""), "inbox", json!({})).await;
    let mut events = Events::open(&alice, "types=*&closeafter=no&ping=0", Some(&id)).await;
    let (change, now) = events.state().await.unwrap();
    let email = alice.call("Email/get", json!({"ids": []})).await["state"].clone();
    assert_eq!(change["changed"][&alice.account]["Email"], email);
    assert_ne!(id, now);
}

#[tokio::test]
async fn pings_come_and_a_stopping_relay_ends_the_stream() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut events = Events::open(&alice, "types=*&closeafter=no&ping=1", None).await;
    let ping = events.next().await.unwrap();
    assert_eq!(ping[0], ("event".into(), "ping".into()));
    assert_eq!(ping[1], ("data".into(), r#"{"interval":5}"#.into()));
    fixture.relay.stopping.cancel();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_stream_without_its_arguments_is_refused() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    for query in ["", "?types=*", "?types=*&closeafter=maybe&ping=0", "?types=*&closeafter=no&ping=x"] {
        assert_eq!(
            alice.get(&format!("/jmap/eventsource{query}")).await.0,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[tokio::test]
async fn signing_out_ends_the_streams() {
    let fixture = Fixture::start().await;
    let alice = fixture.sign_in("alice").await;
    let mut events = Events::open(&alice, "types=*&closeafter=no&ping=0", None).await;
    alice.send(Request::post("/auth/sign-out"), Body::empty()).await;
    assert!(events.next().await.is_none());
}

/// The URL of a push service that takes connections and says nothing, and how many it took.
async fn silent_push_service() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/push", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    (url, taken)
}

#[tokio::test]
async fn silent_push_services_of_one_account_keep_nobody_elses_waiting() {
    let served = Served::start(&["alice", "bob"], |config| config.private_push = true).await;
    let fixture = &served.fixture;
    let (alice, bob) = (fixture.sign_in("alice").await, fixture.sign_in("bob").await);
    let [(silent, of_alice), (other, of_bob)] = [silent_push_service().await, silent_push_service().await];
    let new = |url: &str| json!({"create": {"k": {"deviceClientId": "one", "url": url}}});
    for _ in 0..8 {
        alice.call("PushSubscription/set", new(&silent)).await;
    }
    let verify = fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("UPDATE push_subscriptions SET verified = 1").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    verify.await.unwrap();
    for number in 0..8 {
        alice.call("Mailbox/set", json!({"create": {"k": {"name": format!("box {number}")}}})).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // The code by which it proves itself stands in the same line.
    bob.call("PushSubscription/set", new(&other)).await;
    let spoken_to = async {
        while of_bob.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), spoken_to).await.expect("it does not wait for the others");
    assert!(of_alice.load(Ordering::Relaxed) <= 16, "one push at a time goes to a subscription");
}
