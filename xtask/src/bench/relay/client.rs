//! Delivers letters by SMTP and LMTP, and listens for push.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::letters::{Kind, Letters};
use super::{Door, Jmap, milliseconds};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// One connection to a server that takes mail.
struct Session {
    stream: BufReader<TcpStream>,
}

impl Session {
    fn open(door: &Door) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut session = Self { stream: BufReader::new(stream) };
        session.reply()?;
        session.say(&format!("{} bench.example\r\n", door.greeting))?;
        Ok(session)
    }

    fn reply(&mut self) -> Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match (line.as_bytes().first(), line.as_bytes().get(3)) {
                (Some(b'2' | b'3'), Some(b'-')) => {}
                (Some(b'2' | b'3'), _) => return Ok(()),
                _ => bail!("the server refused: {}", line.trim_end()),
            }
        }
    }

    fn say(&mut self, line: &str) -> Result<()> {
        self.stream.get_mut().write_all(line.as_bytes())?;
        self.reply()
    }

    /// Returns when the server has said that it has the letter.
    fn deliver(&mut self, recipient: &str, letter: &[u8]) -> Result<()> {
        self.say("MAIL FROM:<carol@elsewhere.example>\r\n")?;
        self.say(&format!("RCPT TO:<{recipient}>\r\n"))?;
        self.say("DATA\r\n")?;
        self.stream.get_mut().write_all(&[letter, b".\r\n"].concat())?;
        self.reply()
    }
}

fn number() -> String {
    format!("{}.{}", NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id())
}

/// Delivers `count` letters over several connections at once; gives the time that it took.
pub fn deliver(
    door: &Door,
    letters: &Letters,
    kind: Kind,
    count: usize,
    connections: usize,
) -> Result<Duration> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut session = Session::open(door)?;
                    while next.fetch_add(1, Ordering::Relaxed) < count {
                        session.deliver(&door.recipient, &letters.letter(kind, &number()))?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker fell")))
    })?;
    Ok(began.elapsed())
}

/// Opens a push stream and returns it when its header has come.
pub fn listen(jmap: &Jmap) -> Result<BufReader<TcpStream>> {
    let address = jmap.base.trim_start_matches("http://");
    let stream = TcpStream::connect(address)?;
    let mut stream = BufReader::new(stream);
    let request = format!(
        "GET /jmap/eventsource?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\nAccept: text/event-stream\r\n\r\n",
        jmap.authorization
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let mut status = String::new();
    stream.read_line(&mut status)?;
    if !status.contains(" 200 ") {
        bail!("no push stream: {}", status.trim_end());
    }
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            bail!("the push stream ended in its header");
        }
    }
    Ok(stream)
}

/// Milliseconds from the server's 250 to the event on a push stream, one delivery at a time.
pub fn time_pushes(door: &Door, jmap: &Jmap, letters: &Letters, count: usize) -> Result<Vec<f64>> {
    let stream = listen(jmap)?;
    let stop = stream.get_ref().try_clone()?;
    let (sender, events) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in stream.lines() {
            let Ok(line) = line else { break };
            if line.starts_with("event: state") || line.starts_with("event:state") {
                let _ = sender.send(Instant::now());
            }
        }
    });
    let mut session = Session::open(door)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        session.deliver(&door.recipient, &letters.letter(Kind::Sealed, &number()))?;
        let acknowledged = Instant::now();
        let event = events.recv_timeout(Duration::from_secs(10)).context("no push event came")?;
        times.push(milliseconds(event.saturating_duration_since(acknowledged)));
        std::thread::sleep(Duration::from_millis(5));
        // A delivery may tell more than once.
        while events.try_recv().is_ok() {}
    }
    stop.shutdown(std::net::Shutdown::Both)?;
    let _ = reader.join();
    Ok(times)
}
