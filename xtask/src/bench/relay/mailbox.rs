//! Pages of a mailbox over JMAP: Email/query and Email/get of fifty in one request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Jmap, milliseconds, percentile};
use crate::process::Usage;

/// One account's mail.
pub struct Mailbox {
    api: String,
    authorization: String,
    request: String,
    agent: ureq::Agent,
}

/// What reading some pages took.
#[derive(Clone, Copy)]
pub struct Run {
    /// Pages a second.
    pub rate: f64,
    /// Milliseconds of the server's CPU a page.
    pub cpu: f64,
    /// The middle time of a page in milliseconds.
    pub middle: f64,
}

impl Mailbox {
    /// Reads the session and finds the account.
    pub fn open(jmap: &Jmap) -> Result<Self> {
        let agent = ureq::Agent::config_builder()
            .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let session = agent.get(format!("{}/.well-known/jmap", jmap.base));
        let mut session = session.header("authorization", &jmap.authorization).call()?;
        let session: Value = serde_json::from_str(&session.body_mut().read_to_string()?)?;
        let account = session.pointer("/primaryAccounts/urn:ietf:params:jmap:mail").and_then(Value::as_str);
        let account = account.context("the session names no mail account")?;
        let api = session.get("apiUrl").and_then(Value::as_str).context("the session names no apiUrl")?;
        let api = if api.starts_with('/') { format!("{}{api}", jmap.base) } else { api.to_owned() };
        let sort = json!([{"property": "receivedAt", "isAscending": false}]);
        let properties =
            json!(["id", "threadId", "mailboxIds", "keywords", "from", "subject", "receivedAt", "size"]);
        let request = json!({
            "using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"],
            "methodCalls": [
                ["Email/query", {"accountId": account, "sort": sort, "limit": 50}, "q"],
                ["Email/get", {"accountId": account, "properties": properties,
                    "#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"}}, "g"],
            ],
        });
        let mailbox =
            Self { api, authorization: jmap.authorization.clone(), request: request.to_string(), agent };
        let page: Value = serde_json::from_str(&mailbox.page()?)?;
        match page.pointer("/methodResponses/1/1/list").and_then(Value::as_array).map(Vec::len) {
            Some(50) => Ok(mailbox),
            _ => bail!("no page of fifty came: {page}"),
        }
    }

    fn page(&self) -> Result<String> {
        let request = self.agent.post(&self.api).header("authorization", &self.authorization);
        let mut answer = request.content_type("application/json").send(&self.request)?;
        Ok(answer.body_mut().read_to_string()?)
    }

    /// Reads the first page `count` times over several connections.
    pub fn read_pages(
        &self,
        count: usize,
        connections: usize,
        usage: impl Fn() -> Result<Usage>,
    ) -> Result<Run> {
        let next = AtomicUsize::new(0);
        let (before, began) = (usage()?, Instant::now());
        let work = || -> Result<Vec<f64>> {
            let mut times = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < count {
                let began = Instant::now();
                self.page()?;
                times.push(milliseconds(began.elapsed()));
            }
            Ok(times)
        };
        let times = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
            let mut times = Vec::new();
            for worker in workers {
                times.extend(worker.join().unwrap_or_else(|_| bail!("a worker fell"))?);
            }
            Ok::<_, anyhow::Error>(times)
        })?;
        let took = began.elapsed();
        Ok(Run {
            rate: count as f64 / took.as_secs_f64(),
            cpu: (usage()?.cpu - before.cpu) / count as f64,
            middle: percentile(&times, 50),
        })
    }
}
