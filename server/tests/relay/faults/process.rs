use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Folder, database, free_addresses};

/// A `sealpost serve` of its own, killed when it is dropped.
pub struct Process {
    child: Child,
    pub http: SocketAddr,
    pub smtp: SocketAddr,
}

/// The relay's program.
pub fn program(folder: &Folder) -> PathBuf {
    folder.path().join("sealpost")
}

/// Brings it into the folder, so that a build meanwhile does not change it.
///
/// Another program copies it: a file that is open for writing here would be so in what other tests start at that
/// moment, and cannot be run then.
pub fn bring_program(folder: &Folder) {
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_sealpost")).arg(program(folder)).status();
    assert!(copied.unwrap().success());
}

/// A configuration in the folder: one of several processes on its store.
pub fn configured(folder: &Folder, number: usize, more: &str) -> (PathBuf, u16, u16) {
    let [http, smtp] = free_addresses().map(|address| address.port());
    let path = folder.path().join(format!("relay-{number}.toml"));
    let data = folder.path().join("data");
    let database = database(folder);
    let database = database.map_or_else(String::new, |database| format!("database = '{}'\n", database.url()));
    let text = format!(
        "listen = '127.0.0.1:{http}'\nsmtp_listen = '127.0.0.1:{smtp}'\ndata = '{}'\nlog = 'off'\n{database}{more}",
        data.display()
    );
    std::fs::write(&path, text).unwrap();
    (path, http, smtp)
}

impl Process {
    /// Starts one and waits until it is ready; `wrap` may run it under another program.
    pub fn start(folder: &Folder, number: usize, more: &str, wrap: impl FnOnce(Command) -> Command) -> Self {
        let (config, http, smtp) = configured(folder, number, more);
        let mut command = wrap(Command::new(program(folder)));
        let mut child =
            command.args(["serve", "--config"]).arg(&config).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Sealpost is ready: "), "{line:?}");
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { child, http: address(http), smtp: address(smtp) }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it says that it can be used.
    pub async fn is_ready(&self) -> bool {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(self.http).await else { return false };
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok();
        stream.read_to_string(&mut answer).await.ok();
        answer.starts_with("HTTP/1.1 200 ")
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; it ends well.
    pub fn stop(&mut self) {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success() && self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What `sealpost check` says; nothing when all is well.
pub fn check(folder: &Folder) -> Result<(), String> {
    let (config, ..) = configured(folder, 99, "");
    let mut command = Command::new(program(folder));
    let output = command.args(["check", "--config"]).arg(config).output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}
