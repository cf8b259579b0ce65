//! `cargo xtask jmap-clients`: JMAP clients that nobody here wrote, against a relay of their own, over TLS.
//!
//! Each lists, imports, reads, changes, sends and follows push, as far as it can, on a public account and on a sealed
//! one. They are installed by their own package managers, into the target folder.

mod installed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::jmap_suite::Run;
use crate::{shell, workspace};

/// Runs them all; fails with the first that is not content.
pub fn jmap_clients() -> Result<()> {
    let folder = workspace::target().join("jmap-clients");
    fs::create_dir_all(&folder)?;
    let clients = installed::all(&folder)?;
    shell::step("Building the relay", || shell::run(&mut workspace::cargo(["build", "-p", "sealpost"])))?;
    let run = Run::start("public", "https", None)?;
    let config: Value = serde_json::from_slice(&fs::read(run.folder().join("config.json"))?)?;
    let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).context("no such user");
    for (user, recipient) in [("primary", "secondary"), ("sealed", "sealed")] {
        let username = text(&format!("/users/{user}/username"))?;
        let recipient = text(&format!("/users/{recipient}/username"))?;
        for (name, command) in &clients {
            let message = letter(run.folder(), (username, recipient), name, user == "sealed")?;
            let (program, first) = command.split_first().context("a client has a program")?;
            let mut client = Command::new(program);
            client.args(first).args([text("/sessionUrl")?, username]);
            client.arg(text(&format!("/users/{user}/password"))?).arg(&message).arg(recipient);
            for variable in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
                client.env(variable, run.folder().join("cert.pem"));
            }
            shell::run(&mut client).with_context(|| format!("{name} on the {user} account"))?;
        }
    }
    Ok(())
}

/// A letter of a client's own, for the relay sends none twice; OpenSSL seals it where the account wants that.
fn letter(folder: &Path, (from, to): (&str, &str), client: &str, is_sealed: bool) -> Result<PathBuf> {
    let (clear, place) = (folder.join("clear.txt"), folder.join(format!("{client}-{from}.eml")));
    let date = format!("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{client}@suite.example>");
    let body = "Content-Type: text/plain\r\n\r\nHello.\r\n";
    let header = format!("From: {from}\r\nTo: {to}\r\n{date}\r\n");
    if !is_sealed {
        fs::write(&place, format!("{header}Subject: hello\r\nMIME-Version: 1.0\r\n{body}"))?;
        return Ok(place);
    }
    fs::write(&clear, body)?;
    let mut openssl = Command::new("openssl");
    openssl.args(["cms", "-encrypt", "-aes-256-cbc", "-in"]).arg(&clear).arg(folder.join("cert.pem"));
    let sealed = shell::output(&mut openssl)?;
    // OpenSSL ends its own header's lines as the machine does.
    fs::write(&place, format!("{header}{}", sealed.replace('\r', "").replace('\n', "\r\n")))?;
    Ok(place)
}
