//! What an operator sees of a relay that runs: health, figures, logs, a new configuration, an end without loss.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sealpost::store::StoreError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::support::{Binary, Client, Fixture, Served, clear_letter, eventually, holds};

const ALICE: &str = "alice@sealpost.example";

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn figures_tell_what_was_done_and_of_nobody() {
    let served = Served::start(&["alice"], |config| {
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    });
    let served = served.await;
    let alice = served.fixture.sign_in("alice").await;
    let mut client = Client::greeted(served.running.smtp).await;
    client.deliver(&[ALICE], &clear_letter("a@b.example", ALICE, "", "hello")).await;
    alice.emails_in("inbox").await;
    let _stream = alice.send(Request::get("/jmap/eventsource?types=*&closeafter=no&ping=0"), "").await;
    let figures = get(served.running.metrics.unwrap(), "/metrics").await;
    for line in [
        "sealpost_deliveries_total{outcome=\"kept\"} 1\n",
        "sealpost_jmap_calls_total{method=\"Email/query\",outcome=\"ok\"} 1\n",
        "sealpost_http_requests_total{method=\"POST\",route=\"/auth/\",status=\"2xx\"} 1\n",
        "sealpost_streams 1\n",
        "sealpost_queue{state=\"due\"} 0\n",
        "# EOF\n",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    assert!(!figures.contains("alice") && !figures.contains(&alice.account), "{figures}");
    // They are not where everybody reaches them.
    let (status, _) = alice.get("/metrics").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the page is not built, and nothing else is there");
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with_unless_that_is_no_id() {
    let fixture = Fixture::start().await;
    let answered = async |given: Option<&str>| {
        let mut request = Request::get("/livez");
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        let response = fixture.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(answered(Some("proxy-17_a")).await, "proxy-17_a");
    for given in [None, Some("two words"), Some(&*"x".repeat(65)), Some("")] {
        assert_ne!(Some(&*answered(given).await), given);
        assert!(answered(given).await.len() > 8);
    }
}

#[tokio::test]
async fn the_status_page_is_for_people_and_tells_when_the_relay_stops() {
    let fixture = Fixture::start().await;
    let page = async |language: &str| {
        let request = Request::get("/status").header(header::ACCEPT_LANGUAGE, language);
        let response = fixture.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let (status, text) = page("en-GB,en").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("lang=\"en\"><head>") && text.contains("Mail works") && text.contains("运行正常"));
    assert!(page("zh-CN").await.1.contains("lang=\"zh-Hans\"><head>"));
    fixture.relay.stopping.cancel();
    let (status, text) = page("zh-CN").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("重新启动"), "{text}");
}

#[tokio::test]
async fn a_new_configuration_holds_on_hangup_and_a_bad_one_changes_nothing() {
    let folder = std::env::temp_dir().join(sealpost::random::id('t'));
    let binary =
        Binary::start_with(&format!("log = 'info'\nlog_folder = '{}/log'\n", folder.display())).await;
    let log = || {
        let mut all = Vec::new();
        crate::support::gather(&folder, &mut all);
        String::from_utf8(all).unwrap()
    };
    let told = async |what: &str| eventually(async || log().contains(what).then_some(())).await;
    told("\"room\":\"/auth/\"").await;
    binary.configure(|text| format!("{text}quota = 1000\nhost = 'other.example'\n"));
    binary.signal("-HUP");
    told("the configuration was read again").await;
    assert!(log().contains("\"key\":\"host\"") && log().contains("holds after a restart"), "{}", log());
    let quota = r#"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail","urn:ietf:params:jmap:quota"],
        "methodCalls":[["Quota/get",{"accountId":"@","ids":null},"c"]]}"#;
    let (_, answer) = binary.jmap(quota).await;
    assert_eq!(answer["methodResponses"][0][1]["list"][0]["hardLimit"], 1000, "{answer}");
    binary.configure(|text| text.replace("quota = 1000", "quota = 'much'"));
    binary.signal("-HUP");
    told("stays the one from before").await;
    binary.configure(|text| text.replace("quota = 'much'", "").replace("log = 'info'", "log = 'error'"));
    binary.signal("-HUP");
    eventually(async || {
        let (_, answer) = binary.jmap(quota).await;
        answer["methodResponses"][0][1]["list"].as_array()?.is_empty().then_some(())
    })
    .await;
    let before = log().len();
    binary.http("GET /livez", b"").await;
    assert_eq!(log().len(), before, "only errors are logged now");
    assert!(!holds(log().as_bytes(), "alice"), "the log names nobody");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_relay_that_is_told_to_stop_finishes_what_is_under_way() {
    let mut binary = Binary::start().await;
    let mut stream = TcpStream::connect(binary.http).await.unwrap();
    let body = r#"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":"whole"},"c"]]}"#;
    let (first, rest) = body.split_at(20);
    let head = format!(
        "POST /jmap/api HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        binary.http,
        binary.cookie(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut smtp = Client::greeted(binary.smtp).await;
    let mut events = TcpStream::connect(binary.http).await.unwrap();
    let ask = format!(
        "GET /jmap/eventsource?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n",
        binary.cookie()
    );
    events.write_all(ask.as_bytes()).await.unwrap();
    let mut some = [0; 12];
    events.read_exact(&mut some).await.unwrap();
    binary.signal("-TERM");
    let mut end = String::new();
    events.read_to_string(&mut end).await.unwrap();
    assert!(smtp.reply().await.starts_with("421"), "SMTP clients are told to come again");
    // Nobody new comes in, each door in its own time.
    eventually(async || TcpStream::connect(binary.http).await.is_err().then_some(())).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("whole"), "{answer}");
    assert!(eventually(|| std::future::ready(binary.ended())).await, "it ends well");
}

#[tokio::test]
async fn what_was_begun_is_done_before_the_relay_has_stopped() {
    let served = Served::start(&[], |_| ()).await;
    let relay = Arc::clone(&served.fixture.relay);
    let begun = Arc::clone(&relay).see_through(async move {
        relay.stopping.cancelled().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let write = relay.store.write(|_| Box::pin(async { Ok::<_, StoreError>(()) }));
        write.await.is_ok()
    });
    served.stop().await;
    assert!(begun.await.unwrap(), "the store was open until then");
}
