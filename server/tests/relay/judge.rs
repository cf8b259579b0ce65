//! What the domains of senders say of mail: records in a real Knot DNS, signatures by dkimpy.

use std::path::{Path, PathBuf};
use std::process::Command;

use sealpost::config::{Config, SenderChecks};
use sealpost::store::{AccountKind, NewAccount};
use sealpost::{people, session};
use serde_json::json;
use tokio::net::UdpSocket;

use crate::support::{
    Client, NameService, Person, Served, clear_letter, holds, run, sealed_letter, skip, text,
};

const ALICE: &str = "alice@sealpost.example";
const NEWS: &str = "news@sealpost.example";
/// The host that may send for the domains of the zone, and one that may not.
pub const GOOD: &str = "203.0.113.7";
pub const BAD: &str = "203.0.113.66";

/// A world with three domains, whose authors sign by one key.
pub struct World {
    names: NameService,
    key: PathBuf,
    folder: PathBuf,
}

impl World {
    pub async fn make() -> Option<Self> {
        let folder = std::env::temp_dir().join(sealpost::random::id('w'));
        std::fs::create_dir(&folder).unwrap();
        let key = folder.join("dkim.key");
        let mut openssl = Command::new("openssl");
        openssl.args(["genrsa", "-traditional", "-out"]).arg(&key).arg("2048");
        assert!(run(openssl, "").await.status.success());
        let mut openssl = Command::new("openssl");
        openssl.args(["rsa", "-pubout", "-outform", "PEM", "-in"]).arg(&key);
        let public = String::from_utf8(run(openssl, "").await.stdout).unwrap();
        let public: String = public.lines().filter(|line| !line.starts_with("--")).collect();
        let (first, second) = public.split_at(200);
        let mut records = String::new();
        for (domain, policy) in
            [("strict", "reject"), ("wary", "quarantine"), ("open", "none"), ("list", "none")]
        {
            records.push_str(&format!(
                "{domain}.example. TXT \"v=spf1 ip4:{GOOD} -all\"\n\
                 _dmarc.{domain}.example. TXT \"v=DMARC1; p={policy}\"\n\
                 key._domainkey.{domain}.example. TXT \"v=DKIM1; k=rsa; p={first}\" \"{second}\"\n"
            ));
        }
        let there = Path::new("/usr/bin/dkimsign").exists();
        let names = NameService::start(&records).await.filter(|_| there)?;
        Some(Self { names, key, folder })
    }

    pub async fn relay(&self, adjust: impl FnOnce(&mut Config)) -> Served {
        let served = Served::start(&["alice"], |config| {
            config.dns_servers = vec![self.names.address];
            config.proxy_networks = vec!["127.0.0.0/8".parse().unwrap()];
            adjust(config);
        })
        .await;
        let office = NewAccount {
            address: NEWS.into(),
            name: "News".into(),
            kind: AccountKind::Public,
            organisation: None,
            password: session::hash("a long enough password").unwrap(),
        };
        people::add(&served.fixture.relay, office).await.unwrap();
        served
    }

    /// A letter with a signature by dkimpy.
    pub async fn signed(&self, domain: &str, letter: &[u8]) -> Vec<u8> {
        let mut dkimsign = Command::new("dkimsign");
        dkimsign.args(["key", domain]).arg(&self.key);
        let signed = run(dkimsign, std::str::from_utf8(letter).unwrap()).await;
        assert!(signed.status.success(), "{}", text(&signed));
        signed.stdout
    }

    /// A letter that a mailing list changed and sealed (RFC 8617), by dkimpy.
    async fn passed_on(&self, letter: &[u8], found: &str) -> Vec<u8> {
        let mut arcsign = Command::new("arcsign");
        arcsign.args(["key", "list.example"]).arg(&self.key).arg("mx.list.example");
        let letter = format!(
            "Authentication-Results: mx.list.example; {found}\r\n{}",
            String::from_utf8_lossy(letter)
        );
        let sealed = run(arcsign, &letter).await;
        assert!(sealed.status.success(), "{}", text(&sealed));
        sealed.stdout
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Sends through a proxy that says where it comes from.
pub async fn send(served: &Served, from_host: &str, mail_from: &str, to: &str, letter: &[u8]) -> String {
    let mut client = Client::silent(served.running.smtp).await;
    let greeting = client.say(format!("PROXY TCP4 {from_host} 192.0.2.1 5000 25\r\n")).await;
    assert!(greeting.starts_with("220"));
    client
        .transcript(&[
            ("EHLO mx.outside.example", "250"),
            (&format!("MAIL FROM:<{mail_from}>"), "250"),
            (&format!("RCPT TO:<{to}>"), "250"),
            ("DATA", "354"),
        ])
        .await;
    client.write(letter).await;
    client.say(".\r\n").await
}

async fn newest(person: &Person, role: &str) -> String {
    let emails = person.emails_in(role).await;
    String::from_utf8_lossy(&person.message(&emails[0]).await).into_owned()
}

/// Whether the relay says that it sealed the newest letter itself.
async fn is_marked(person: &Person) -> bool {
    let newest = &person.emails_in("inbox").await[0];
    let answer = person.call("Email/get", json!({"ids": [newest], "properties": ["keywords"]})).await;
    answer["list"][0]["keywords"]["sealed-at-door"] == json!(true)
}

fn letter(domain: &str, to: &str, fields: &str) -> Vec<u8> {
    let fields = format!("Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@{domain}>\r\n{fields}");
    clear_letter(&format!("carol@{domain}"), to, &fields, "canary-judged")
}

#[tokio::test]
async fn what_is_found_is_recorded_and_what_the_domain_asks_for_is_done() {
    let Some(world) = World::make().await else {
        return skip(
            "what_is_found_is_recorded_and_what_the_domain_asks_for_is_done",
            "Knot or dkimpy is missing",
        );
    };
    let served = world.relay(|_| ()).await;
    let news = served.fixture.sign_in("news").await;
    // The return path is another domain's, so that the signature alone counts.
    let signed = world.signed("strict.example", &letter("strict.example", NEWS, "")).await;
    assert!(send(&served, BAD, "bounce@open.example", NEWS, &signed).await.starts_with("250"));
    let message = newest(&news, "inbox").await;
    let (results, _) = message.split_once("Received:").unwrap();
    for found in [
        "Authentication-Results: sealpost.example;\r\n\tspf=fail",
        "dkim=pass header.i=@strict.example header.s=key",
        "arc=none",
        "dmarc=pass header.from=strict.example policy.dmarc=reject",
    ] {
        assert!(results.contains(found), "{found} in {results}");
    }
    // The host alone counts too.
    let plain = letter("strict.example", NEWS, "");
    assert!(send(&served, GOOD, "carol@strict.example", NEWS, &plain).await.starts_with("250"));
    let results = newest(&news, "inbox").await;
    assert!(results.contains("spf=pass") && results.contains("dmarc=pass"), "{results}");
    // Neither.
    let altered = String::from_utf8(signed.clone()).unwrap().replace("canary-judged", "canary-forged");
    // The page shows the first of two, and no space in an address.
    let twice = letter("strict.example> <x@open.example", NEWS, "");
    let spaced = letter(" strict.example", NEWS, "");
    for forged in [plain.as_slice(), altered.as_bytes(), &twice, &spaced] {
        let reply = send(&served, BAD, "carol@strict.example", NEWS, forged).await;
        assert!(reply.starts_with("550 5.7.1") && reply.contains("DMARC"), "{reply}");
    }
    // One domain vouches for it, and some programs show the other.
    for authors in ["<x@open.example>: <carol@strict.example>;", "<x@open.example>, <carol@strict.example>"] {
        let both = String::from_utf8(plain.clone())
            .unwrap()
            .replace("<carol@strict.example>\r\nTo", &format!("{authors}\r\nTo"));
        assert!(both.contains(authors));
        let reply = send(&served, GOOD, "x@open.example", NEWS, both.as_bytes()).await;
        assert!(reply.starts_with("550 5.7.1") && reply.contains("DMARC"), "{authors}: {reply}");
    }
    let many = (0..9).map(|at| format!("<x@{at}.example>, ")).collect::<String>() + "<x@open.example>";
    let many = String::from_utf8(plain.clone())
        .unwrap()
        .replace("<carol@strict.example>\r\nTo", &format!("{many}\r\nTo"));
    assert!(send(&served, GOOD, "x@open.example", NEWS, many.as_bytes()).await.starts_with("550 5.7.1"));
    assert!(
        send(&served, BAD, "x@wary.example", NEWS, &letter("wary.example", NEWS, ""))
            .await
            .starts_with("250")
    );
    let message = newest(&news, "junk").await;
    assert!(message.contains("dmarc=fail") && message.contains("policy.dmarc=quarantine"), "{message}");
    assert!(
        send(&served, BAD, "x@open.example", NEWS, &letter("open.example", NEWS, ""))
            .await
            .starts_with("250")
    );
    let message = newest(&news, "inbox").await;
    assert!(message.contains("dmarc=fail") && message.contains("policy.dmarc=none"), "{message}");
}

/// Passes questions on to the name service, but for those about names that hold "slow".
async fn deaf(names: std::net::SocketAddr) -> std::net::SocketAddr {
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = front.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 4096];
        while let Ok((size, client)) = front.recv_from(&mut packet).await {
            let question = packet[..size].to_ascii_lowercase();
            if question.windows(4).any(|part| part == b"slow") {
                continue;
            }
            let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            back.send_to(&packet[..size], names).await.unwrap();
            let size = back.recv(&mut packet).await.unwrap();
            front.send_to(&packet[..size], client).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn signatures_whose_keys_never_come_do_not_keep_the_author_s_domain_from_being_asked() {
    let Some(world) = World::make().await else {
        return skip(
            "signatures_whose_keys_never_come_do_not_keep_the_author_s_domain_from_being_asked",
            "Knot or dkimpy is missing",
        );
    };
    let names = deaf(world.names.address).await;
    let served = world.relay(|config| config.dns_servers = vec![names]).await;
    for (domain, expected) in [("strict.example", "451 4.7.1"), ("open.example", "250")] {
        let letter = letter(domain, NEWS, "");
        let signed = String::from_utf8(world.signed("slow.example", &letter).await).unwrap();
        let end = signed.len() - letter.len();
        let signature = signed.get(..end).unwrap();
        assert!(signature.starts_with("DKIM-Signature:") && signature.contains("s=key;"), "{signature}");
        let each = (0..8).map(|at| signature.replace("s=key;", &format!("s=key{at};")));
        let message = each.chain([String::from_utf8(letter).unwrap()]).collect::<String>();
        let reply = send(&served, BAD, "x@open.example", NEWS, message.as_bytes()).await;
        assert!(reply.starts_with(expected), "{domain}: {reply}");
    }
}

#[tokio::test]
async fn findings_are_sealed_with_what_came_in_clear_and_forged_ones_go() {
    let Some(world) = World::make().await else {
        return skip(
            "findings_are_sealed_with_what_came_in_clear_and_forged_ones_go",
            "Knot or dkimpy is missing",
        );
    };
    let served = world.relay(|_| ()).await;
    let forged = "Authentication-Results: sealpost.example; dmarc=pass header.from=forged.example\r\n\
                  Authentication-Results: mx.list.example; spf=pass smtp.mailfrom=kept.example\r\n";
    let news = served.fixture.sign_in("news").await;
    let clear = letter("open.example", NEWS, forged);
    assert!(send(&served, GOOD, "carol@open.example", NEWS, &clear).await.starts_with("250"));
    let message = newest(&news, "inbox").await;
    assert!(message.contains("spf=pass") && message.contains("kept.example"), "{message}");
    assert!(!message.contains("forged.example"), "{message}");
    let alice = served.fixture.sign_in("alice").await;
    let clear = letter("open.example", ALICE, forged);
    assert!(send(&served, GOOD, "carol@open.example", ALICE, &clear).await.starts_with("250"));
    let message = newest(&alice, "inbox").await;
    assert!(!message.contains("Authentication-Results"), "{message}");
    assert!(!holds(message.as_bytes(), "forged.example"));
    // By this a browser knows that the relay made the wrapper, where the findings are.
    assert!(is_marked(&alice).await);
    // What came sealed has them outside.
    let sealed = sealed_letter("carol@open.example", ALICE, forged);
    assert!(send(&served, GOOD, "carol@open.example", ALICE, &sealed).await.starts_with("250"));
    let message = newest(&alice, "inbox").await;
    assert!(message.starts_with("Authentication-Results: sealpost.example;\r\n\tspf=pass"), "{message}");
    assert!(!is_marked(&alice).await, "its wrapper, if it has one, is its sender's");
}

#[tokio::test]
async fn a_list_that_the_operator_trusts_may_pass_mail_on() {
    let Some(world) = World::make().await else {
        return skip("a_list_that_the_operator_trusts_may_pass_mail_on", "Knot or dkimpy is missing");
    };
    let signed = world.signed("strict.example", &letter("strict.example", NEWS, "")).await;
    let changed = String::from_utf8(signed).unwrap().replace("canary-judged", "[list] canary-judged");
    let passed = world.passed_on(changed.as_bytes(), "dkim=pass header.d=strict.example; dmarc=pass").await;
    let stranger = world.relay(|_| ()).await;
    assert!(send(&stranger, BAD, "list@list.example", NEWS, &passed).await.starts_with("550 5.7.1"));
    let trusting = world.relay(|config| config.inbound.trusted_sealers = vec!["list.example".into()]).await;
    assert!(send(&trusting, BAD, "list@list.example", NEWS, &passed).await.starts_with("250"));
    let message = newest(&trusting.fixture.sign_in("news").await, "inbox").await;
    assert!(message.contains("arc=pass") && message.contains("dmarc=fail"), "{message}");
    assert!(message.contains("policy.dmarc=reject policy.override=trusted_forwarder\r\n"), "{message}");
    let broken = String::from_utf8(passed).unwrap().replace("[list] ", "[liar] ");
    assert!(
        send(&trusting, BAD, "list@list.example", NEWS, broken.as_bytes()).await.starts_with("550 5.7.1")
    );
}

#[tokio::test]
async fn the_operator_may_have_it_recorded_only_or_not_at_all() {
    let Some(world) = World::make().await else {
        return skip("the_operator_may_have_it_recorded_only_or_not_at_all", "Knot or dkimpy is missing");
    };
    for (checks, recorded) in [(SenderChecks::Record, true), (SenderChecks::Off, false)] {
        let served = world.relay(|config| config.inbound.sender_checks = checks).await;
        let forged = letter("strict.example", NEWS, "");
        assert!(send(&served, BAD, "carol@strict.example", NEWS, &forged).await.starts_with("250"));
        let message = newest(&served.fixture.sign_in("news").await, "inbox").await;
        assert_eq!(message.contains("dmarc=fail"), recorded, "{message}");
    }
}
