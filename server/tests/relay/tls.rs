//! TLS for mail that comes in, spoken by OpenSSL, swaks and Postfix.

use std::path::{Path, PathBuf};
use std::process::Command;

use sealpost::config::Config;

use crate::support::{
    Client, PASSWORD, Postfix, Served, clear_letter, eventually, openssl_certificate, run, sealed_letter,
    skip, text,
};

const ALICE: &str = "alice@sealpost.example";

async fn served(adjust: impl FnOnce(&mut Config)) -> (Served, PathBuf) {
    let mut shown = PathBuf::new();
    let served = Served::start(&["alice"], |config| {
        let folder = config.data.parent().unwrap().to_owned();
        let (certificate, key) = openssl_certificate(&folder, "mx.sealpost.example");
        (config.tls_certificate, config.tls_key) = (Some(certificate.clone()), Some(key));
        config.smtp_tls_listen = Some("127.0.0.1:0".parse().unwrap());
        config.tls_listen = Some("127.0.0.1:0".parse().unwrap());
        shown = certificate;
        adjust(config);
    })
    .await;
    (served, shown)
}

/// A conversation by OpenSSL, which trusts one certificate only.
async fn s_client(port: u16, trusted: &Path, arguments: &[&str], said: &str) -> String {
    let mut client = Command::new("openssl");
    client
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-crlf", "-ign_eof", "-nocommands"])
        .args(["-verify_return_error", "-verify_hostname", "mx.sealpost.example", "-CAfile"])
        .arg(trusted)
        .args(arguments);
    text(&run(client, said).await)
}

async fn newest(served: &Served) -> String {
    let alice = served.fixture.sign_in("alice").await;
    let id = eventually(|| async { alice.emails_in("inbox").await.into_iter().next() }).await;
    String::from_utf8_lossy(&alice.message(&id).await).into_owned()
}

#[tokio::test]
async fn openssl_speaks_tls_after_starttls_and_from_the_start() {
    let (served, certificate) = served(|_| ()).await;
    let said = "EHLO client.example\nQUIT\n";
    let later = s_client(served.running.smtp.port(), &certificate, &["-starttls", "smtp"], said).await;
    assert!(later.contains("Verification: OK") && later.contains("TLSv1.3"), "{later}");
    // OpenSSL shows the last line of the first EHLO; within TLS it is offered no more.
    assert_eq!(later.matches("250 STARTTLS").count(), 1, "{later}");
    assert!(later.contains("250 REQUIRETLS") && later.contains("221 2.0.0"), "{later}");
    assert!(!later.contains("unexpected eof"), "{later}");
    let port = served.running.smtp_tls.unwrap().port();
    for version in ["-tls1_2", "-tls1_3"] {
        let first = s_client(port, &certificate, &[version], said).await;
        assert!(first.contains("Verification: OK") && first.contains("221 2.0.0"), "{first}");
        assert!(!first.contains("STARTTLS"), "{first}");
    }
    let old = s_client(port, &certificate, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], said).await;
    assert!(!old.contains("221 2.0.0"), "{old}");
}

#[tokio::test]
async fn curl_signs_in_over_https_and_who_speaks_no_tls_is_told_nothing() {
    let (served, certificate) =
        served(|config| config.public_url = Some("https://mx.sealpost.example".into())).await;
    let port = served.running.https.unwrap().port();
    let curl = |arguments: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--http1.1", "--include", "--max-time", "20", "--cacert"]);
        curl.arg(&certificate)
            .args(["--resolve", &format!("mx.sealpost.example:{port}:127.0.0.1")])
            .args(arguments);
        curl
    };
    let base = format!("https://mx.sealpost.example:{port}");
    let who = format!(r#"{{"username":"{ALICE}","password":"{PASSWORD}"}}"#);
    let sign_in = curl(&[&format!("{base}/auth/sign-in"), "--json", &who]);
    let answer = text(&run(sign_in, "").await);
    assert!(answer.starts_with("HTTP/1.1 204") && answer.contains("Secure"), "{answer}");
    let answer = text(&run(curl(&["--tlsv1.3", &format!("{base}/healthz")]), "").await);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    let answer = text(&run(curl(&[&format!("http://127.0.0.1:{port}/healthz")]), "").await);
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart() {
    let (served, certificate) = served(|_| ()).await;
    let port = served.running.smtp_tls.unwrap().port();
    let said = "QUIT\n";
    let folder = certificate.parent().unwrap();
    std::fs::write(&certificate, "no certificate").unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    openssl_certificate(folder, "mx.sealpost.example");
    let renewed = || async {
        let told = s_client(port, &certificate, &[], said).await;
        told.contains("Verification: OK").then_some(())
    };
    eventually(renewed).await;
}

#[tokio::test]
async fn swaks_sends_in_tls_and_the_trace_tells_of_it() {
    let (served, _) = served(|_| ()).await;
    let letter = String::from_utf8(sealed_letter("carol@outside.example", ALICE, "")).unwrap();
    let mut swaks = Command::new("swaks");
    swaks
        .args(["--server", "127.0.0.1", "--port", &served.running.smtp.port().to_string(), "--tls"])
        .args(["--from", "carol@outside.example", "--to", ALICE, "--helo", "mx.outside.example"])
        .args(["--data", &letter]);
    let sent = run(swaks, "").await;
    assert!(sent.status.success(), "{}", text(&sent));
    let message = newest(&served).await;
    let trace =
        "Received: from mx.outside.example ([127.0.0.1])\r\n by sealpost.example with ESMTPS\r\n tls TLS_";
    assert!(message.starts_with(trace) && message.contains(" (TLSv1.3); "), "{message}");
}

#[tokio::test]
async fn postfix_that_insists_on_tls_delivers() {
    let (served, _) = served(|config| config.smtp_require_tls = true).await;
    let port = served.running.smtp.port();
    let settings =
        format!("relayhost = [127.0.0.1]:{port}\nsmtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1");
    let Some(postfix) = Postfix::start(&settings).await else {
        return skip("postfix_that_insists_on_tls_delivers", "Postfix cannot run here");
    };
    let letter = sealed_letter("carol@outside.example", ALICE, "");
    postfix.send("carol@outside.example", &[&format!("<{ALICE}>")], "", &letter).await;
    let message = newest(&served).await;
    assert!(message.contains(" by sealpost.example with ESMTPS\r\n tls TLS_"), "{message} {}", postfix.log());
}

#[tokio::test]
async fn what_was_said_in_clear_does_not_count_in_tls() {
    let (served, certificate) = served(|config| config.smtp_require_tls = true).await;
    let mut client = Client::greeted(served.running.smtp).await;
    client.transcript(&[("MAIL FROM:<a@b.example>", "530 5.7.0")]).await;
    let reply = client.say(format!("STARTTLS\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{ALICE}>\r\n")).await;
    assert!(reply.starts_with("554 5.5.1"), "{reply}");
    assert_eq!(client.reply().await, "", "the connection ends");
    // Nor does the greeting of before.
    let said = "MAIL FROM:<a@b.example>\nEHLO x.example\nSTARTTLS\nMAIL FROM:<a@b.example>\nQUIT\n";
    let told = s_client(served.running.smtp.port(), &certificate, &["-starttls", "smtp"], said).await;
    let codes: Vec<&str> = told.lines().filter_map(|line| line.get(..9)).collect();
    let place =
        |code| codes.iter().position(|found| *found == code).unwrap_or_else(|| panic!("{code} in {told}"));
    assert!(place("503 5.5.1") < place("250 2.1.0"), "{told}");
}

#[tokio::test]
async fn without_a_certificate_no_tls_is_offered() {
    let served = Served::start(&["alice"], |_| ()).await;
    let mut client = Client::connect(served.running.smtp).await;
    assert!(!client.say("EHLO client.example\r\n").await.contains("STARTTLS"));
    client.transcript(&[("STARTTLS", "502 5.5.1")]).await;
    let letter = clear_letter("carol@outside.example", ALICE, "", "hello");
    assert!(client.deliver(&[ALICE], &letter).await.starts_with("250"));
}
