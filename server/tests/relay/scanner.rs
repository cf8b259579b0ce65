//! A scanner that sees clear mail before it is sealed: a real rspamd.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sealpost::config::ScannerFailure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Client, Served, clear_letter, eventually, sealed_letter, skip};

const ALICE: &str = "alice@sealpost.example";
/// What rspamd rejects by its own rule, as others do (GTUBE).
const ABUSE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

struct Rspamd {
    address: SocketAddr,
    folder: PathBuf,
    program: Child,
}

impl Rspamd {
    /// One with a rule that marks a word; none where rspamd is not there.
    async fn start() -> Option<Self> {
        if !std::path::Path::new("/usr/bin/rspamd").exists() {
            return None;
        }
        let folder = std::env::temp_dir().join(sealpost::random::id('r'));
        std::fs::create_dir(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = folder.display();
        std::fs::write(folder.join("suffixes"), "com\nexample\n").unwrap();
        let rule = "rspamd_config:register_symbol({ name = 'WORD', score = 8.0, callback = function(task)\n\
                    return task:get_from('smtp')[1].addr == 'seller@outside.example' end })\n";
        std::fs::write(folder.join("rule.lua"), rule).unwrap();
        let config = format!(
            "options {{ pidfile = \"{at}/pid\"; filters = \"\"; url_tld = \"{at}/suffixes\"; tempdir = \"{at}\"; \
             disable_hyperscan = true; control_socket = \"{at}/control\"; cache_file = \"{at}/cache\"; }}\n\
             logging {{ type = \"file\"; filename = \"{at}/log\"; level = \"error\"; }}\n\
             actions {{ reject = 15; add_header = 6; }}\nlua = \"{at}/rule.lua\";\n\
             worker \"normal\" {{ bind_socket = \"{address}\"; count = 1; }}\n"
        );
        std::fs::write(folder.join("conf"), config).unwrap();
        let program = Command::new("/usr/bin/rspamd")
            .args(["-f", "-i", "-c"])
            .arg(folder.join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let rspamd = Self { address, folder, program };
        eventually(|| ping(address)).await;
        Some(rspamd)
    }
}

async fn ping(address: SocketAddr) -> Option<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.contains("pong").then_some(())
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        // It ends its workers when it is asked to, and not when it is killed.
        Command::new("kill").arg(self.program.id().to_string()).status().ok();
        self.program.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

async fn deliver(served: &Served, from: &str, message: &[u8]) -> String {
    let mut client = Client::greeted(served.running.smtp).await;
    let (mail, rcpt) = (format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{ALICE}>"));
    client.transcript(&[(&mail, "250"), (&rcpt, "250"), ("DATA", "354")]).await;
    client.write(message).await;
    client.say(".\r\n").await
}

#[tokio::test]
async fn rspamd_sees_clear_mail_and_its_word_counts() {
    let Some(rspamd) = Rspamd::start().await else {
        return skip("rspamd_sees_clear_mail_and_its_word_counts", "rspamd is missing");
    };
    let served = Served::start(&["alice"], |config| config.inbound.scanner = Some(rspamd.address)).await;
    let alice = served.fixture.sign_in("alice").await;
    let reply =
        deliver(&served, "x@outside.example", &clear_letter("x@outside.example", ALICE, "", ABUSE)).await;
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
    for (from, role) in [("x@outside.example", "inbox"), ("seller@outside.example", "junk")] {
        let reply = deliver(&served, from, &clear_letter(from, ALICE, "", "hello")).await;
        assert!(reply.starts_with("250"), "{reply}");
        assert_eq!(alice.counts(role).await[0], 1, "{role}");
    }
    // What came sealed it is not shown, or this would go to the junk.
    let sealed = sealed_letter("seller@outside.example", ALICE, "");
    assert!(deliver(&served, "seller@outside.example", &sealed).await.starts_with("250"));
    assert_eq!(alice.counts("inbox").await[0], 2);
}

#[tokio::test]
async fn without_its_scanner_the_relay_takes_no_clear_mail_unless_told_to() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (failure, code) in [(ScannerFailure::Defer, "451 4.7.1"), (ScannerFailure::Accept, "250")] {
        let served = Served::start(&["alice"], |config| {
            config.inbound.scanner = Some(nobody);
            config.inbound.scanner_failure = failure;
        })
        .await;
        let clear = clear_letter("x@outside.example", ALICE, "", "hello");
        let reply = deliver(&served, "x@outside.example", &clear).await;
        assert!(reply.starts_with(code), "{reply}");
        let sealed = sealed_letter("x@outside.example", ALICE, "");
        assert!(deliver(&served, "x@outside.example", &sealed).await.starts_with("250"));
    }
}
