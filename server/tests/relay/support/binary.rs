use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Folder, database};

/// The real program, with the demo people, in a process whose memory can be watched.
pub struct Binary {
    child: Child,
    pub http: SocketAddr,
    pub smtp: SocketAddr,
    cookie: String,
    pub account: String,
    pub folder: Folder,
}

/// Different addresses that are free at the moment.
pub fn free_addresses<const COUNT: usize>() -> [SocketAddr; COUNT] {
    let held = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

impl Binary {
    /// Starts it and signs alice in.
    pub async fn start() -> Self {
        Self::start_with("log = 'error'\n").await
    }

    /// Starts it with more in its configuration.
    pub async fn start_with(more: &str) -> Self {
        Self::start_in(Path::new("."), more).await
    }

    /// Starts it in a folder of its own, where it may leave cores as large as they are.
    pub async fn start_in(place: &Path, more: &str) -> Self {
        let (folder, [http, smtp]) = (Folder::new(), free_addresses());
        let config = folder.path().join("sealpost.toml");
        let data = folder.path().join("data");
        let database = database(&folder).map(|database| format!("database = '{}'\n", database.url()));
        let text = format!(
            "listen = '{http}'\nsmtp_listen = '{smtp}'\ndata = '{}'\ndemo = true\n{}{more}",
            data.display(),
            database.unwrap_or_default()
        );
        std::fs::write(&config, text).unwrap();
        let child = serve(place, &config);
        let mut binary = Self { child, http, smtp, cookie: String::new(), account: String::new(), folder };
        let credentials = br#"{"username":"alice@sealpost.example","password":"sealpost-demo"}"#;
        let answer = binary.http("POST /auth/sign-in", credentials).await;
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        binary.cookie = cookie.split(';').next().unwrap().to_owned();
        let session = binary.http("GET /.well-known/jmap", b"").await;
        let session: Value = serde_json::from_str(body_of(&session)).unwrap();
        binary.account = session["primaryAccounts"][jmap::MAIL].as_str().unwrap().to_owned();
        binary
    }

    /// One request on a connection of its own; head and body of the answer.
    pub async fn http(&self, request: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.http,
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // What is too large is refused before all of it was sent.
        stream.write_all(body).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A JMAP request; the status line and the body.
    pub async fn jmap(&self, body: &str) -> (String, Value) {
        let answer = self.http("POST /jmap/api", body.replace('@', &self.account).as_bytes()).await;
        let status = answer.lines().next().unwrap_or_default().to_owned();
        (status, serde_json::from_str(body_of(&answer)).unwrap_or(Value::Null))
    }

    /// Kills it and starts it anew on what it left.
    pub fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = serve(Path::new("."), &self.folder.path().join("sealpost.toml"));
    }

    /// Changes its configuration.
    pub fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("sealpost.toml");
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Sends it a signal, such as `-HUP`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it ended, and if so, whether well.
    pub fn ended(&mut self) -> Option<bool> {
        self.child.try_wait().unwrap().map(|status| status.success())
    }

    /// The cookie of its demo person.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A figure of its memory in octets: `VmRSS` now, `VmHWM` at most so far.
    pub fn memory(&self, figure: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    /// For how long it has worked so far, whatever else the machine did meanwhile.
    pub fn worked(&self) -> std::time::Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name of the program; user and system time are in hundredths of a second.
        let figures = stat.rsplit(')').next().unwrap().split_whitespace();
        let ticks: u64 = figures.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        std::time::Duration::from_millis(ticks * 10)
    }
}

fn serve(place: &Path, config: &Path) -> Child {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -c unlimited; exec \"$0\" serve --config \"$1\"",
        env!("CARGO_BIN_EXE_sealpost"),
    ]);
    command.arg(config).current_dir(place).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Sealpost is ready"), "{line}");
    child
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

impl Drop for Binary {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
