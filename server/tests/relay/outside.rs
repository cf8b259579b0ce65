//! Mail to real servers elsewhere: Postfix under TLS, found by a name service that signs what it says.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use sealpost::store::StoreError;
use sealpost::store::sql;
use serde_json::{Value, json};

use crate::support::{Outside, Person, Served, eventually, sealed_letter, skip};

pub const ALICE: &str = "alice@sealpost.example";

pub async fn submit(alice: &Person, to: &[&str], parameters: Value) -> String {
    submit_letter(alice, ALICE, sealed_letter(ALICE, to[0], ""), to, parameters).await
}

pub async fn submit_letter(
    person: &Person,
    from: &str,
    letter: Vec<u8>,
    to: &[&str],
    parameters: Value,
) -> String {
    let email = person.import(letter, "sent", json!({})).await;
    let to: Vec<Value> = to.iter().map(|address| json!({"email": address})).collect();
    let envelope = json!({"mailFrom": {"email": from, "parameters": parameters}, "rcptTo": to});
    let create = json!({"k": {"identityId": "self", "emailId": email, "envelope": envelope}});
    let answer = person.call("EmailSubmission/set", json!({"create": create})).await;
    answer["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// By domain: why what is queued did not go, once everything was tried.
pub async fn reasons(served: &Served) -> BTreeMap<String, String> {
    eventually(|| async {
        let mut connection = served.fixture.relay.store.read().await.unwrap();
        let text = "SELECT domain, COALESCE(reason, ''), attempts FROM queue";
        let rows = sql::query(text).fetch_all(&mut connection).await.unwrap();
        let tried = rows.iter().all(|row| row.try_get::<i64>(2).unwrap() > 0);
        tried.then(|| rows.iter().map(|row| (row.try_get(0).unwrap(), row.try_get(1).unwrap())).collect())
    })
    .await
}

pub async fn status(alice: &Person, submission: &str) -> BTreeMap<String, (String, String)> {
    let answer = alice.call("EmailSubmission/get", json!({"ids": [submission]})).await;
    let all = answer["list"][0]["deliveryStatus"].as_object().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .map(|(address, one)| (address.clone(), (text(&one["delivered"]), text(&one["smtpReply"]))))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_destination_gets_mail_only_from_a_server_that_proves_what_the_domain_says() {
    let Some(outside) = Outside::start().await else {
        skip(
            "each_destination_gets_mail_only_from_a_server_that_proves_what_the_domain_says",
            "no Postfix and Knot",
        );
        return;
    };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    let good = ["dane", "ta", "sts", "testing", "plain", "implicit", "fallback", "unsigned"];
    let bad = [
        ("wrong", "dane-mismatch"),
        ("stsmx", "mta-sts-mx"),
        ("stsname", "certificate-name"),
        ("bogus", "dnssec-bogus"),
        // One server is down, and the other's name leads nowhere: neither is for ever.
        ("dangling", "no-host"),
    ];
    let domains = good.into_iter().chain(bad.map(|(name, _)| name)).chain(["null", "missing"]);
    let to: Vec<String> = domains.map(|name| format!("{name}@{name}.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let submission = submit(&alice, &to, Value::Null).await;
    let found = eventually(|| async {
        let found = reasons(&here).await;
        (found.len() <= bad.len()).then_some(found)
    })
    .await;
    let expected = bad.map(|(name, reason)| (format!("{name}.example"), reason.to_owned()));
    assert_eq!(found, BTreeMap::from(expected));
    let status = status(&alice, &submission).await;
    for name in good {
        let (delivered, reply) = &status[&format!("{name}@{name}.example")];
        assert!(delivered == "unknown" && reply.starts_with("250 2.0.0"), "{name}: {reply}");
    }
    let (delivered, reply) = &status["null@null.example"];
    assert!(delivered == "no" && reply.starts_with("556 5.1.10"), "{reply}");
    let (delivered, reply) = &status["missing@missing.example"];
    assert!(delivered == "no" && reply.starts_with("556 5.1.2"), "{reply}");
    let mail = eventually(|| async { Some(outside.mail()).filter(|mail| mail.len() == good.len()) }).await;
    for message in &mail {
        assert!(message.contains("using TLSv1.3"), "{message}");
    }
    assert_eq!(alice.counts("inbox").await[0], 2, "a report for each that never will go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_requires_tls_goes_to_no_server_that_does_not_promise_it() {
    let Some(outside) = Outside::start().await else {
        skip("what_requires_tls_goes_to_no_server_that_does_not_promise_it", "no Postfix and Knot");
        return;
    };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    let submission = submit(&alice, &["a@dane.example"], json!({"REQUIRETLS": null})).await;
    let (delivered, reply) = eventually(|| async {
        let one = status(&alice, &submission).await.remove("a@dane.example").unwrap();
        (one.0 != "queued").then_some(one)
    })
    .await;
    assert!(delivered == "no" && reply.starts_with("550 5.7.30"), "{reply}");
    assert!(outside.mail().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_says_how_a_destination_is_spoken_to() {
    use sealpost::config::Level;
    let Some(outside) = Outside::start().await else {
        skip("an_operator_says_how_a_destination_is_spoken_to", "no Postfix and Knot");
        return;
    };
    let here = Served::start(&["alice"], |config| {
        outside.adjust(config);
        let tls = [
            ("plain", Level::Verify),
            ("wrong", Level::Encrypt),
            ("implicit", Level::None),
            ("sts", Level::Verify),
        ];
        config.outbound.tls = tls.map(|(name, level)| (format!("{name}.example"), level)).into();
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    submit(
        &alice,
        &["a@plain.example", "a@wrong.example", "a@implicit.example", "a@sts.example"],
        Value::Null,
    )
    .await;
    let mail = eventually(|| async { Some(outside.mail()).filter(|mail| mail.len() == 3) }).await;
    assert_eq!(mail.iter().filter(|message| message.contains("using TLSv1.3")).count(), 2);
    let found = reasons(&here).await;
    assert_eq!(found, BTreeMap::from([("plain.example".to_owned(), "certificate-name".to_owned())]));
    let make_due = here.fixture.relay.store.write(|tx| {
        Box::pin(async move {
            sql::query("UPDATE queue SET next_at = 0").execute(tx.connection()).await?;
            Ok::<_, StoreError>(())
        })
    });
    make_due.await.unwrap();
    here.fixture.relay.queue_bell.notify_one();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let mut connection = here.fixture.relay.store.read().await.unwrap();
    let row = sql::query("SELECT attempts FROM queue").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.try_get::<i64>(0).unwrap(), 1, "the destination itself is not tried again yet");
}

/// What an independent verifier says of each signature of a message, and of one that was changed.
const VERIFY: &str = "
import dkim, json, sys
message = open(sys.argv[1], 'rb').read()
records = json.load(open(sys.argv[2]))
def dns(name, timeout=5):
    return records.get(name.decode().rstrip('.'), '').encode()
def verdicts(message):
    count = message.count(b'DKIM-Signature:')
    return [dkim.DKIM(message).verify(idx=place, dnsfunc=dns) for place in range(count)]
changed = message.replace(b'MIME-Version: 1.0', b'MIME-Version: 1.1')
second = message.replace(b'From: ', b'From: mallory@sealpost.example\\nFrom: ', 1)
print(verdicts(message), verdicts(changed), verdicts(second))
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_is_signed_so_that_another_program_verifies_it() {
    let name = "what_leaves_is_signed_so_that_another_program_verifies_it";
    let python = Command::new("/usr/bin/python3").args(["-c", "import dkim, nacl"]).status();
    let (Some(outside), true) = (Outside::start().await, python.is_ok_and(|status| status.success())) else {
        skip(name, "no Postfix and Knot, or no dkimpy");
        return;
    };
    let key = |name: &str, arguments: &[&str]| {
        let path = outside.folder.join(name);
        let made = Command::new("openssl").arg("genpkey").args(arguments).arg("-out").arg(&path).output();
        assert!(made.unwrap().status.success());
        path
    };
    let rsa = key("rsa.pem", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let ed25519 = key("ed25519.pem", &["-algorithm", "ed25519"]);
    let named = |selector: &str, key: &std::path::Path, from: &str| {
        format!("[[outbound.dkim]]\nselector = '{selector}'\nkey = '{}'\nfrom = '{from}'\n", key.display())
    };
    let past = "2020-01-01T00:00:00Z";
    let text =
        [named("r1", &rsa, past), named("e1", &ed25519, past), named("later", &rsa, "2999-01-01T00:00:00Z")];
    let file = outside.folder.join("relay.toml");
    fs::write(&file, text.concat()).unwrap();
    let signing = sealpost::config::Config::read(&file).unwrap().outbound.dkim;
    let here = Served::start(&["alice"], |config| {
        outside.adjust(config);
        config.outbound.dkim = signing;
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    submit(&alice, &["a@plain.example"], Value::Null).await;
    let message = eventually(|| async { outside.mail().pop() }).await;
    assert_eq!(message.matches("DKIM-Signature:").count(), 2, "{message}");
    assert!(!message.contains("s=later"), "a key does not sign before its time");
    fs::write(outside.folder.join("message"), message).unwrap();
    let printed =
        Command::new(env!("CARGO_BIN_EXE_sealpost")).arg("dkim").arg("--config").arg(&file).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let records: BTreeMap<&str, String> = printed
        .lines()
        .map(|line| {
            let (name, text) = line.split_once(". IN TXT ").unwrap();
            (name, text.split('"').skip(1).step_by(2).collect())
        })
        .collect();
    assert_eq!(records.len(), 3, "{printed}");
    fs::write(outside.folder.join("records"), serde_json::to_string(&records).unwrap()).unwrap();
    let mut verify = Command::new("/usr/bin/python3");
    verify.args(["-c", VERIFY]).args(["message", "records"]).current_dir(&outside.folder);
    let output = verify.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.trim(), "[True, True] [False, False] [False, False]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_for_one_destination_share_a_connection() {
    let Some(outside) = Outside::start().await else {
        skip("letters_for_one_destination_share_a_connection", "no Postfix and Knot");
        return;
    };
    let here = Served::start(&["alice"], |config| outside.adjust(config)).await;
    let alice = here.fixture.sign_in("alice").await;
    let before = outside.connections();
    for count in 1..=3 {
        submit(&alice, &["a@dane.example"], Value::Null).await;
        eventually(|| async { (outside.mail().len() == count).then_some(()) }).await;
    }
    assert_eq!(outside.connections() - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_relay_finds_the_other_by_its_name_alone() {
    let Some(outside) = Outside::start().await else {
        skip("one_relay_finds_the_other_by_its_name_alone", "no Postfix and Knot");
        return;
    };
    let there = Served::start(&["carol"], |config| config.domain = "elsewhere.example".into()).await;
    let here = Served::start(&["alice"], |config| {
        outside.adjust(config);
        config.outbound.exchanger_port = there.running.smtp.port();
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    let submission =
        submit(&alice, &["carol@elsewhere.example", "nobody@elsewhere.example"], Value::Null).await;
    let carol = there.fixture.sign_in("carol").await;
    eventually(|| async { (carol.counts("inbox").await[0] == 1).then_some(()) }).await;
    let refused = eventually(|| async {
        let one = status(&alice, &submission).await.remove("nobody@elsewhere.example").unwrap();
        (one.0 == "no").then_some(one.1)
    })
    .await;
    assert!(refused.starts_with("550 5.1.1"), "{refused}");
    assert_eq!(alice.counts("inbox").await[0], 1, "she hears of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_held_back_does_not_hide_what_a_server_must_prove() {
    let Some(outside) = Outside::start().await else {
        skip("an_answer_that_is_held_back_does_not_hide_what_a_server_must_prove", "no Postfix and Knot");
        return;
    };
    let between = outside.without_aaaa("dane").await;
    let here = Served::start(&["alice"], |config| {
        outside.adjust(config);
        config.dns_servers = vec![between];
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    submit(&alice, &["a@dane.example", "a@plain.example"], Value::Null).await;
    eventually(|| async { (outside.mail().len() == 1).then_some(()) }).await;
    assert_eq!(reasons(&here).await, BTreeMap::from([("dane.example".to_owned(), "dns".to_owned())]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_not_for_a_smarthost_that_does_not_prove_its_name() {
    use sealpost::config::Level;
    let Some(outside) = Outside::start().await else {
        skip("the_password_is_not_for_a_smarthost_that_does_not_prove_its_name", "no Postfix and Knot");
        return;
    };
    let password = outside.folder.join("password");
    fs::write(&password, "secret").unwrap();
    let here = Served::start(&["alice"], |config| {
        outside.adjust(config);
        let smarthost = format!("127.0.0.1:{}", config.outbound.exchanger_port);
        config.smarthost = Some(smarthost.parse().unwrap());
        config.outbound.smarthost_user = Some("relay".into());
        config.outbound.smarthost_password_file = Some(password);
    })
    .await;
    let alice = here.fixture.sign_in("alice").await;
    submit(&alice, &["a@plain.example"], Value::Null).await;
    let found = reasons(&here).await;
    assert_eq!(found, BTreeMap::from([("plain.example".to_owned(), "certificate-name".to_owned())]));
    let mut careless = here.fixture.relay.config.clone();
    for level in [Level::None, Level::May, Level::Encrypt] {
        careless.outbound.smarthost_tls = Some(level);
        assert!(sealpost::outbound::Sender::open(&careless).is_err(), "{level:?}");
    }
}
