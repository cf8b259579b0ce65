//! `cargo xtask jmap-suite`: the public JMAP test suite against a relay of its own.
//!
//! It runs on public accounts, where all of it applies. On sealed accounts, with `--sealed`, what it uploads is sealed on
//! the way; [`sealed.txt`](jmap_suite/sealed.txt) names the tests that need content in clear, and each other one is to pass.
//!
//! The suite (github.com/jmapio/jmap-test-suite) has no licence, so none of it is here: it is fetched for the
//! run, or taken from a folder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{shell, workspace};

/// Where the suite comes from.
const SOURCE: &str = "https://github.com/jmapio/jmap-test-suite";
/// What must pass on public accounts, of 309.
const WANTED: usize = 305;
/// The tests that need content in clear: a line for each, with the reason behind a tab.
const NEED_CONTENT: &str = include_str!("jmap_suite/sealed.txt");

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
}

/// Runs the suite, prints the tally, and fails when fewer pass than are wanted.
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
    let run = Run::start(if options.sealed { "personal" } else { "public" })?;
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

    /// Makes accounts of a kind, and one that is sealed, and starts it; `config.json` says who they are.
    pub fn start(kind: &str) -> Result<Self> {
        let folder = workspace::target().join("jmap-suite-run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        certificate(&folder)?;
        let port = free_port()?;
        let config = format!(
            "listen = \"127.0.0.1:{port}\"\nsmtp_listen = \"127.0.0.1:{}\"\ndata = {data:?}\n\
             public_url = \"http://127.0.0.1:{port}\"\ndomain = \"suite.example\"\nlog = \"warn\"\n\
             private_push = true\npush_anchors = [{anchor:?}]\n",
            free_port()?,
            data = folder.join("data"),
            anchor = folder.join("cert.pem"),
        );
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
        let session = format!("http://127.0.0.1:{port}/.well-known/jmap");
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
    match options.filter {
        None if options.sealed => as_listed(&passed, &failed),
        None if passed.len() < WANTED => bail!("at least {WANTED} are to pass"),
        _ => Ok(()),
    }
}

/// Whether the tests that fail on sealed accounts are those of the list.
fn as_listed(passed: &[&Value], failed: &[&Value]) -> Result<()> {
    let listed: Vec<&str> = NEED_CONTENT.lines().filter_map(|line| line.split('\t').next()).collect();
    let ids = |all: &[&Value], is_listed: bool| -> Vec<String> {
        let ids = all.iter().filter_map(|one| one.get("testId").and_then(Value::as_str));
        ids.filter(|id| listed.contains(id) == is_listed).map(str::to_owned).collect()
    };
    let (wrong, better) = (ids(failed, false), ids(passed, true));
    if wrong.is_empty() && better.is_empty() {
        println!("The others are the {} of the list that need content in clear", listed.len());
        return Ok(());
    }
    bail!("not listed, and failed: {wrong:?}; listed, and passed: {better:?}")
}
