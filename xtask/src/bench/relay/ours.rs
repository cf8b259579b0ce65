//! The relay itself, as it is installed, with a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};

use super::{Door, Jmap, client};
use crate::process::{self, Usage};
use crate::shell;

/// A running relay.
pub struct Ours {
    program: PathBuf,
    config: PathBuf,
    data: PathBuf,
    port: u16,
    smtp_port: u16,
    child: Child,
    start_time: Duration,
}

/// An account and its app password.
pub struct Account {
    address: String,
    password: String,
}

/// An account takes no more push streams than this.
const STREAMS_EACH: usize = 60;

impl Ours {
    /// Starts it and waits until it is ready.
    pub fn start(program: &Path, folder: &Path) -> Result<Self> {
        let (port, smtp_port) = (free_port()?, free_port()?);
        let data = folder.join("sealpost");
        let config = folder.join("sealpost.toml");
        fs::create_dir_all(folder.join("web"))?;
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nsmtp_listen = \"127.0.0.1:{smtp_port}\"\ndata = {data:?}\nweb_root = {:?}\nlog = \"warn\"\n",
            folder.join("web"),
        );
        fs::write(&config, text)?;
        let (child, start_time) = launch(program, &config)?;
        Ok(Self { program: program.to_owned(), config, data, port, smtp_port, child, start_time })
    }

    /// Makes an account, while the relay runs.
    pub fn account(&self, name: &str) -> Result<Account> {
        let address = format!("{name}@sealpost.example");
        let mut command = Command::new(&self.program);
        command.args(["account", "add", &address, "--kind", "personal", "--name", name, "--config"]);
        let printed = shell::output(command.arg(&self.config))?;
        let password = printed.split_whitespace().last().context("no app password was printed")?;
        Ok(Account { address, password: password.to_owned() })
    }

    /// Where mail for `account` comes in.
    pub fn door(&self, account: &Account) -> Door {
        Door {
            server: "the relay",
            port: self.smtp_port,
            greeting: "EHLO",
            recipient: account.address.clone(),
        }
    }

    /// Where `account` is read.
    pub fn jmap(&self, account: &Account) -> Jmap {
        let credentials = STANDARD.encode(format!("{}:{}", account.address, account.password));
        Jmap {
            base: format!("http://127.0.0.1:{}", self.port),
            authorization: format!("Basic {credentials}"),
        }
    }

    /// CPU and memory of the relay.
    pub fn usage(&self) -> Result<Usage> {
        process::usage(self.child.id())
    }

    /// Octets of the data folder.
    pub fn disk(&self) -> Result<u64> {
        disk(&self.data)
    }

    /// How long the last start took until it said that it was ready.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// Stops it in order and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()?;
        (self.child, self.start_time) = launch(&self.program, &self.config)?;
        Ok(())
    }

    /// Opens `count` push streams, of as many accounts as that needs.
    pub fn idle_streams(&self, count: usize) -> Result<Vec<BufReader<TcpStream>>> {
        let mut streams = Vec::with_capacity(count);
        for index in 0..count.div_ceil(STREAMS_EACH) {
            let jmap = self.jmap(&self.account(&format!("idle{index}"))?);
            for _ in 0..STREAMS_EACH.min(count - streams.len()) {
                streams.push(client::listen(&jmap)?);
            }
        }
        Ok(streams)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

fn launch(program: &Path, config: &Path) -> Result<(Child, Duration)> {
    let began = Instant::now();
    let mut command = Command::new(program);
    let mut child = command.args(["serve", "--config"]).arg(config).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("a piped child has a standard output")?;
    for line in BufReader::new(stdout).lines() {
        if line?.starts_with("Sealpost is ready") {
            return Ok((child, began.elapsed()));
        }
    }
    bail!("the relay ended with {}", child.wait()?);
}

fn disk(folder: &Path) -> Result<u64> {
    let mut octets = 0;
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type()))?;
        octets += if kind?.is_dir() { disk(&path)? } else { fs::metadata(&path)?.len() };
    }
    Ok(octets)
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
