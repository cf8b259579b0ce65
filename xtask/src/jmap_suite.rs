//! `cargo xtask jmap-suite`: the public JMAP test suite against a relay of its own.
//!
//! It runs on public accounts, where all of it applies. On sealed accounts, with `--sealed`, what it uploads is sealed on
//! the way. [`public.txt`](jmap_suite/public.txt) and [`sealed.txt`](jmap_suite/sealed.txt) name the tests that do not
//! pass, each with its reason: each other one is to pass, and none of these.
//!
//! The suite (github.com/jmapio/jmap-test-suite) has no licence, so none of it is here: it is fetched for the
//! run, or taken from a folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{shell, workspace};

/// Where the suite comes from.
const SOURCE: &str = "https://github.com/jmapio/jmap-test-suite";
/// The tests that do not pass: a line for each, with the reason behind a tab.
const ARGUED: &str = include_str!("jmap_suite/public.txt");
/// The same on sealed accounts.
const ARGUED_SEALED: &str = include_str!("jmap_suite/sealed.txt");

/// Which suite, and what of it.
#[derive(clap::Args)]
pub struct Options {
    /// A folder that holds the suite; without it the suite is fetched.
    #[arg(long)]
    suite: Option<PathBuf>,
    /// Runs those tests alone whose names fit, such as `email/query*`.
    #[arg(long)]
    filter: Option<String>,
    /// Runs on sealed accounts.
    #[arg(long)]
    sealed: bool,
    /// The URL of an empty PostgreSQL database that the relay keeps its mail in; without it that is SQLite.
    #[arg(long)]
    database: Option<String>,
}

/// Runs the suite, prints the tally, and fails unless those tests pass that are to, and no others.
pub fn jmap_suite(options: &Options) -> Result<()> {
    let suite = match &options.suite {
        Some(folder) => folder.canonicalize().context("there is no such folder")?,
        None => fetch()?,
    };
    if !suite.join("dist/cli.js").is_file() {
        shell::step("Building the suite", || {
            shell::run(Command::new("npm").current_dir(&suite).args(["install", "--no-audit", "--no-fund"]))?;
            shell::run(Command::new("npm").current_dir(&suite).args(["run", "build"]))
        })?;
    }
    shell::step("Building the relay", || shell::run(&mut workspace::cargo(["build", "-p", "sealpost"])))?;
    let kind = if options.sealed { "personal" } else { "public" };
    let run = Run::start(kind, "http", options.database.as_deref())?;
    let report = run.report(&suite, options)?;
    drop(run);
    tally(&report, options)
}

fn fetch() -> Result<PathBuf> {
    let folder = workspace::target().join("jmap-suite");
    if !folder.is_dir() {
        shell::step("Fetching the suite", || {
            shell::run(Command::new("git").args(["clone", "--depth", "1", SOURCE]).arg(&folder))
        })?;
    }
    Ok(folder)
}

/// A relay in a folder of its own.
pub struct Run {
    folder: PathBuf,
    relay: Child,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.relay.kill().ok();
        self.relay.wait().ok();
    }
}

impl Run {
    /// Where it and its configuration are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes accounts of a kind, and one that is sealed, and starts it; `config.json` says who they are, and where
    /// the session is. With `https` its certificate is `cert.pem`.
    pub fn start(kind: &str, scheme: &str, database: Option<&str>) -> Result<Self> {
        let folder = workspace::target().join("jmap-suite-run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        certificate(&folder)?;
        let port = free_port()?;
        let mut config = format!(
            "smtp_listen = \"127.0.0.1:{}\"\ndata = {data:?}\npublic_url = \"{scheme}://127.0.0.1:{port}\"\n\
             domain = \"suite.example\"\nlog = \"warn\"\nprivate_push = true\npush_anchors = [{certificate:?}]\n",
            free_port()?,
            data = folder.join("data"),
            certificate = folder.join("cert.pem"),
        );
        config += &match scheme {
            "https" => format!(
                "listen = \"127.0.0.1:{}\"\ntls_listen = \"127.0.0.1:{port}\"\ntls_certificate = {:?}\ntls_key = {:?}\n",
                free_port()?,
                folder.join("cert.pem"),
                folder.join("key.pem"),
            ),
            _ => format!("listen = \"127.0.0.1:{port}\"\n"),
        };
        config += &database.map(|url| format!("database = {url:?}\n")).unwrap_or_default();
        fs::write(folder.join("relay.toml"), config)?;
        let mut users = serde_json::Map::new();
        for (name, kind) in [("primary", kind), ("secondary", kind), ("sealed", "personal")] {
            let address = format!("{name}@suite.example");
            let password = sealpost(&folder, &["account", "add", &address, "--kind", kind])?;
            users.insert(name.to_owned(), json!({"username": address, "password": password.trim()}));
        }
        // The suite copies between two accounts of one user; a person's own is shared with nobody.
        if kind == "public" {
            sealpost(&folder, &["account", "add", "team@suite.example", "--kind", kind])?;
            sealpost(
                &folder,
                &["account", "share", "team@suite.example", "--with", "primary@suite.example"],
            )?;
        }
        let session = format!("{scheme}://127.0.0.1:{port}/.well-known/jmap");
        let suite = json!({"sessionUrl": session, "users": users, "authMethod": "basic", "timeout": 60000, "verbose": false});
        fs::write(folder.join("config.json"), suite.to_string())?;
        let log = fs::File::create(folder.join("log"))?;
        let mut relay = Command::new(binary());
        relay.args(["serve", "--config"]).arg(folder.join("relay.toml")).stdout(Stdio::piped()).stderr(log);
        let mut relay = relay.spawn().context("the relay could not be started")?;
        let stdout = relay.stdout.take().context("a piped child has a standard output")?;
        let run = Self { folder, relay };
        let ready = BufReader::new(stdout).lines().next().transpose()?;
        if !ready.is_some_and(|line| line.contains("ready")) {
            bail!("the relay did not start; see {}", run.folder.join("log").display());
        }
        Ok(run)
    }

    fn report(&self, suite: &Path, options: &Options) -> Result<Value> {
        let beside = |name: &str| workspace::root().join("xtask/src/jmap_suite").join(name);
        let mut node = Command::new("node");
        node.arg("--import").arg(beside("push_service.mjs"));
        if options.sealed {
            node.arg("--import").arg(beside("sealing.mjs"));
        }
        node.arg(suite.join("dist/cli.js"));
        node.current_dir(&self.folder)
            .env("NODE_EXTRA_CA_CERTS", self.folder.join("cert.pem"))
            .env("PUSH_SERVICE", &self.folder)
            .args(["-c", "config.json", "-f", "-o", "report.json", "--fail-only"]);
        if let Some(filter) = &options.filter {
            node.args(["--filter", filter]);
        }
        // It ends with 1 when a test fails; the report says which.
        node.status().context("node could not be started")?;
        let report = fs::read(self.folder.join("report.json")).context("the suite wrote no report")?;
        Ok(serde_json::from_slice(&report)?)
    }
}

fn binary() -> PathBuf {
    workspace::target().join("debug/sealpost")
}

fn sealpost(folder: &Path, arguments: &[&str]) -> Result<String> {
    shell::output(Command::new(binary()).args(arguments).arg("--config").arg(folder.join("relay.toml")))
}

/// For the push service, which has to speak TLS.
fn certificate(folder: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    openssl.args([
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]);
    // No authority: programs that judge well take an authority's certificate for no server's.
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]).stderr(Stdio::null());
    shell::run(&mut openssl)
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn tally(report: &Value, options: &Options) -> Result<()> {
    let results = report.get("results").and_then(Value::as_array).context("the report has no results")?;
    let with = |status: &str| -> Vec<&Value> {
        results.iter().filter(|one| one.get("status").and_then(Value::as_str) == Some(status)).collect()
    };
    let (passed, failed, skipped) = (with("pass"), with("fail"), with("skip"));
    for (word, list) in [("failed", &failed), ("skipped", &skipped)] {
        for one in list {
            let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
            println!("{word}  {}: {}", text("testId"), text("error"));
        }
    }
    let accounts = if options.sealed { "sealed" } else { "public" };
    println!(
        "\nJMAP suite, {accounts} accounts: {} of {} pass, {} fail, {} are skipped",
        passed.len(),
        results.len(),
        failed.len(),
        skipped.len()
    );
    match (&options.filter, options.sealed) {
        (Some(_), _) => Ok(()),
        (None, false) => as_argued(ARGUED, &passed, results),
        (None, true) => as_argued(ARGUED_SEALED, &passed, results),
    }
}

/// Whether all tests pass but those of the list; a list that names one that passes, or that there is not, is stale.
fn as_argued(list: &str, passed: &[&Value], all: &[Value]) -> Result<()> {
    let id = |one: &Value| one.get("testId").and_then(Value::as_str).map(str::to_owned);
    let argued: BTreeSet<String> =
        list.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    let passed: BTreeSet<String> = passed.iter().filter_map(|one| id(one)).collect();
    let not_passed: BTreeSet<String> = all.iter().filter_map(id).filter(|id| !passed.contains(id)).collect();
    if argued == not_passed {
        println!("The others are the {} of the list", argued.len());
        return Ok(());
    }
    let (wrong, stale) = (not_passed.difference(&argued), argued.difference(&not_passed));
    bail!(
        "not listed, and not passed: {:?}; listed, and passed or not there: {:?}",
        wrong.collect::<Vec<_>>(),
        stale.collect::<Vec<_>>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_all_that_do_not_pass_and_nothing_else() {
        let all = [json!({"testId": "a"}), json!({"testId": "b"}), json!({"testId": "c"})];
        let passed = [&all[0], &all[1]];
        assert!(as_argued("c\twhy\n", &passed, &all).is_ok());
        for stale_or_short in ["", "b\twhy\nc\twhy\n", "c\twhy\ngone\twhy\n"] {
            assert!(as_argued(stale_or_short, &passed, &all).is_err(), "{stale_or_short}");
        }
    }
}
