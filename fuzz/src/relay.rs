//! A relay with its doors open, and somebody who is signed in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use sealpost::config::Config;
use sealpost::serve::{self, Running};
use tokio::runtime::{Builder, Runtime};

/// What fills up is thrown away after so many inputs.
const USES: usize = 20_000;

/// A relay in a folder of its own.
pub struct Relay {
    runtime: Runtime,
    running: Option<Running>,
    folder: PathBuf,
    uses: usize,
    http: Option<TcpStream>,
    /// Where SMTP is served.
    pub smtp: SocketAddr,
    /// Where HTTP is served.
    pub address: SocketAddr,
    /// The session of the person.
    pub cookie: String,
    /// The account of the person.
    pub account: String,
}

/// An answer over HTTP.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header, as it came.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Not dropped when the process ends: a runtime cannot be used then any more.
static RELAY: Mutex<Option<Relay>> = Mutex::new(None);

/// Works with the relay of this process.
pub fn with<T>(work: impl FnOnce(&mut Relay) -> T) -> T {
    let mut slot = RELAY.lock().expect("the first panic ends the process");
    if slot.as_ref().is_some_and(|relay| relay.uses >= USES) {
        *slot = None;
    }
    let relay = slot.get_or_insert_with(Relay::start);
    relay.uses += 1;
    work(relay)
}

impl Relay {
    fn start() -> Self {
        let folder = std::env::temp_dir().join("relay");
        std::fs::remove_dir_all(&folder).ok();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            smtp_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.join("data"),
            web_root: folder.join("dist"),
            max_message_size: 1024 * 1024,
            demo: true,
            log: "off".into(),
            ..Config::default()
        };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let running = runtime.block_on(serve::start(config)).expect("a relay");
        let (smtp, address) = (running.smtp, running.http);
        let mut relay = Self {
            runtime,
            running: Some(running),
            folder,
            uses: 0,
            http: None,
            smtp,
            address,
            cookie: String::new(),
            account: String::new(),
        };
        relay.sign_in();
        relay
    }

    fn sign_in(&mut self) {
        let body = br#"{"username":"alice@sealpost.example","password":"sealpost-demo"}"#;
        let answer = self.post("/auth/sign-in", "application/json", body);
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.unwrap_or_else(|| panic!("no session: {}", answer.head));
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let session = self.exchange("GET /.well-known/jmap", "", &[]);
        let session: serde_json::Value = serde_json::from_slice(&session.body).expect("a session");
        self.account = session["primaryAccounts"][jmap::MAIL].as_str().expect("an account").to_owned();
    }

    /// One POST, on a connection that is kept.
    pub fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Answer {
        let fields = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
        self.exchange(&format!("POST {path}"), &fields, body)
    }

    fn exchange(&mut self, request: &str, fields: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n{fields}\r\n",
            self.address, self.cookie
        );
        let whole = [head.as_bytes(), body].concat();
        let kept = self.http.take();
        let first = kept.and_then(|stream| self.talk(stream, &whole));
        first.or_else(|| self.talk(self.connect(self.address), &whole)).expect("an answer")
    }

    fn connect(&self, address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        // An answer that never comes is found by this and not only by the fuzzer's own alarm.
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
        stream
    }

    fn talk(&mut self, mut stream: TcpStream, whole: &[u8]) -> Option<Answer> {
        stream.write_all(whole).ok()?;
        let (mut read, mut chunk) = (Vec::new(), [0; 16 * 1024]);
        let end = loop {
            if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            match received(&mut stream, &mut chunk)? {
                0 => return None,
                count => read.extend_from_slice(&chunk[..count]),
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
        let mut body = read.split_off(end);
        while body.len() < length {
            match received(&mut stream, &mut chunk)? {
                0 => return None,
                count => body.extend_from_slice(&chunk[..count]),
            }
        }
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        self.http = Some(stream);
        Some(Answer { status, head, body })
    }

    /// Says all of it over SMTP at once, and gives all that the relay answers.
    pub fn smtp(&self, said: &[u8]) -> Vec<u8> {
        let mut stream = self.connect(self.smtp);
        // A relay that hangs up before the end is within its rights.
        let sent = stream.write_all(said).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
        let mut heard = Vec::new();
        match (stream.read_to_end(&mut heard), sent) {
            (Err(error), Ok(())) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the relay does not hang up")
            }
            _ => heard,
        }
    }
}

/// Reads on where the fuzzer's own alarm, which looks for inputs that take long, came in between.
fn received(stream: &mut TcpStream, into: &mut [u8]) -> Option<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => return read.ok(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.http = None;
            self.runtime.block_on(running.stop());
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
