//! `cargo xtask jmap-clients`: JMAP clients that nobody here wrote, against a relay of their own.
//!
//! Each lists, imports, reads, changes, sends and follows push, on a public account and on a sealed one. They
//! are installed by their own package managers, into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::jmap_suite::Run;
use crate::{shell, workspace};

/// The clients and their versions.
const JMAPC: &str = "jmapc==0.4.0";
const JAM: &str = "jmap-jam@0.13.1";

/// Runs them all; fails with the first that is not content.
pub fn jmap_clients() -> Result<()> {
    let folder = workspace::target().join("jmap-clients");
    fs::create_dir_all(&folder)?;
    let python = shell::step("Installing jmapc", || python(&folder))?;
    let jam = shell::step("Installing jmap-jam", || jam(&folder))?;
    shell::step("Building the relay", || shell::run(&mut workspace::cargo(["build", "-p", "sealpost"])))?;
    let run = Run::start("public")?;
    let config: Value = serde_json::from_slice(&fs::read(run.folder().join("config.json"))?)?;
    let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).context("no such user");
    let scripts = workspace::root().join("xtask/src/jmap_clients");
    for (user, recipient) in [("primary", "secondary"), ("sealed", "sealed")] {
        let username = text(&format!("/users/{user}/username"))?;
        let recipient = text(&format!("/users/{recipient}/username"))?;
        for (program, script) in
            [(&python, scripts.join("with_jmapc.py")), (&PathBuf::from("node"), jam.clone())]
        {
            let message = letter(run.folder(), (username, recipient), &script, user == "sealed")?;
            let mut client = Command::new(program);
            client.arg(&script).args([text("/sessionUrl")?, username]);
            client.arg(text(&format!("/users/{user}/password"))?).arg(&message).arg(recipient);
            shell::run(&mut client).with_context(|| format!("on the {user} account"))?;
        }
    }
    Ok(())
}

fn python(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("python");
    if !environment.join("bin/jmapc-is-there").exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let mut pip = Command::new(environment.join("bin/pip"));
        shell::run(pip.args(["install", "--quiet", "--disable-pip-version-check", JMAPC]))?;
        fs::write(environment.join("bin/jmapc-is-there"), "")?;
    }
    Ok(environment.join("bin/python"))
}

/// The script beside the client, where node finds it.
fn jam(folder: &Path) -> Result<PathBuf> {
    let (script, place) =
        (workspace::root().join("xtask/src/jmap_clients/with_jam.mjs"), folder.join("with_jam.mjs"));
    fs::write(folder.join("package.json"), "{\"private\": true}")?;
    let mut npm = Command::new("npm");
    shell::run(npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--silent", JAM]))?;
    fs::copy(script, &place)?;
    Ok(place)
}

/// A letter of a client's own, for the relay sends none twice; OpenSSL seals it where the account wants that.
fn letter(folder: &Path, (from, to): (&str, &str), client: &Path, is_sealed: bool) -> Result<PathBuf> {
    let (clear, place) = (folder.join("clear.txt"), folder.join(format!("{from}.eml")));
    let name = client.file_stem().unwrap_or_default().to_string_lossy();
    let date = format!("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{name}@suite.example>");
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
