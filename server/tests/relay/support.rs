//! A relay in a folder of its own, people who use it, and sealed letters.

mod binary;
mod certificate;
mod forwarder;
mod knot;
mod letter;
mod name_service;
mod outside;
mod postfix;
pub mod postgres;
mod program;
mod receiving_server;
pub mod s3;
mod smtp_client;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use jmap::AccountId;
use sealpost::config::{Config, Database};
use sealpost::relay::Relay;
use sealpost::store::{self, AccountKind, NewAccount, StoreError};
use sealpost::{http, people, random, serve, session};
use serde_json::{Value, json};
use tower::ServiceExt;

pub use binary::{Binary, free_addresses};
pub use certificate::openssl_certificate;
pub use forwarder::Forwarder;
pub use letter::{clear_letter, sealed_letter};
pub use name_service::NameService;
pub use outside::Outside;
pub use postfix::Postfix;
pub use postgres::Postgres;
pub use program::{run, text};
pub use receiving_server::ReceivingServer;
pub use smtp_client::Client;

pub const PASSWORD: &str = "a long enough password";

/// The capabilities that have methods.
pub const USING: [&str; 8] = [
    jmap::CORE,
    jmap::MAIL,
    jmap::SUBMISSION,
    jmap::VACATION,
    jmap::MDN,
    jmap::BLOB,
    jmap::QUOTA,
    jmap::SEALED,
];

/// A folder that goes when the test ends.
pub struct Folder {
    path: PathBuf,
    database: Option<Database>,
}

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(random::id('t'));
        std::fs::create_dir_all(&path).unwrap();
        Self { path, database: None }
    }

    /// A folder whose database is on a server of its own.
    pub fn on(server: &Postgres) -> Self {
        let mut folder = Self::new();
        folder.database = Some(Database::try_from(server.database("own")).unwrap());
        folder
    }

    /// A folder whose database is on a server of its own, and reached through a forwarder.
    pub fn through(forwarder: &Forwarder, server: &Postgres) -> Self {
        server.database("own");
        let mut folder = Self::new();
        folder.database = Some(Database::try_from(server.url_through("own", forwarder.port())).unwrap());
        folder
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).ok();
    }
}

/// A relay and its router, without sockets.
pub struct Fixture {
    pub relay: Arc<Relay>,
    pub router: Router,
    pub folder: Arc<Folder>,
}

/// The PostgreSQL that all tests are to use instead of SQLite, when the environment says so.
pub fn on_postgres() -> Option<&'static Postgres> {
    std::env::var("SEALPOST_TEST_STORE")
        .is_ok_and(|store| store == "postgres")
        .then(|| Postgres::shared().expect("PostgreSQL is installed"))
}

/// The folder's database; none where that is SQLite.
pub fn database(folder: &Folder) -> Option<Database> {
    if folder.database.is_some() {
        return folder.database.clone();
    }
    let server = on_postgres()?;
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let made = folder.path().join("database-is-made");
    if !made.exists() {
        server.database(name);
        std::fs::write(made, "").unwrap();
    }
    Some(Database::try_from(server.url(name)).unwrap())
}

pub fn config(folder: &Folder) -> Config {
    Config {
        database: database(folder),
        listen: "127.0.0.1:0".parse().unwrap(),
        smtp_listen: "127.0.0.1:0".parse().unwrap(),
        data: folder.path().join("data"),
        web_root: folder.path().join("dist"),
        log: "error".into(),
        ..Config::default()
    }
}

/// Makes people; hashing a password is slow on purpose, so it is done once.
pub async fn add_people(relay: &Relay, names: &[&str]) {
    static HASH: OnceLock<String> = OnceLock::new();
    let password = HASH.get_or_init(|| session::hash(PASSWORD).unwrap()).clone();
    for name in names {
        let new = NewAccount {
            address: format!("{name}@{}", relay.config.domain),
            name: name.to_uppercase(),
            kind: AccountKind::Personal,
            organisation: None,
            password: password.clone(),
        };
        people::add(relay, new).await.unwrap();
    }
}

impl Fixture {
    /// A relay with alice and bob.
    pub async fn start() -> Self {
        let folder = Arc::new(Folder::new());
        let relay = Relay::open(config(&folder)).await.unwrap();
        add_people(&relay, &["alice", "bob"]).await;
        Self { router: http::router(Arc::clone(&relay)), relay, folder }
    }

    /// Lets somebody open another's account.
    pub async fn share(&self, account: &Person, with: &Person, may_write: bool) {
        let (owner, member) = (AccountId::from(&*account.account), AccountId::from(&*with.account));
        let share = self
            .relay
            .store
            .write(move |tx| Box::pin(async move { store::share(tx, &owner, &member, may_write).await }));
        share.await.map_err(|error: StoreError| error).unwrap();
    }

    pub async fn sign_in(&self, name: &str) -> Person {
        let username = format!("{name}@{}", self.relay.config.domain);
        let body = json!({"username": username, "password": PASSWORD}).to_string();
        let request = Request::post("/auth/sign-in").header(header::CONTENT_TYPE, "application/json");
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let mut person = Person { router: self.router.clone(), cookie, account: String::new() };
        let session = person.get("/.well-known/jmap").await.1;
        person.account = session["primaryAccounts"][jmap::MAIL].as_str().unwrap().to_owned();
        person
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    pub router: Router,
    pub cookie: String,
    pub account: String,
}

pub async fn json_of(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

impl Person {
    pub async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Response<Body> {
        let request = request.header(header::COOKIE, &self.cookie).body(body.into()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        json_of(self.send(Request::get(path), Body::empty()).await).await
    }

    /// A whole request.
    pub async fn request(&self, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post("/jmap/api").header(header::CONTENT_TYPE, "application/json");
        json_of(self.send(request, body).await).await
    }

    /// Several calls, with the account filled in; gives the answers.
    pub async fn calls(&self, calls: &[(&str, Value)]) -> Vec<(String, Value)> {
        let numbered = calls.iter().enumerate().map(|(place, (name, arguments))| {
            let mut arguments = arguments.clone();
            arguments.as_object_mut().unwrap().entry("accountId").or_insert(json!(self.account));
            json!([name, arguments, format!("c{place}")])
        });
        let request = json!({"using": USING, "methodCalls": numbered.collect::<Vec<_>>()});
        let (status, response) = self.request(request.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{response}");
        let answers = response["methodResponses"].as_array().unwrap().iter();
        answers.map(|answer| (answer[0].as_str().unwrap().to_owned(), answer[1].clone())).collect()
    }

    /// One call that succeeds.
    pub async fn call(&self, name: &str, arguments: Value) -> Value {
        let (answered, value) = self.calls(&[(name, arguments)]).await.remove(0);
        assert_eq!(answered, name, "{value}");
        value
    }

    /// One call that is refused; gives the type of the error.
    pub async fn refused(&self, name: &str, arguments: Value) -> String {
        let (answered, value) = self.calls(&[(name, arguments)]).await.remove(0);
        assert_eq!(answered, "error", "{value}");
        value["type"].as_str().unwrap().to_owned()
    }

    pub async fn upload(&self, bytes: Vec<u8>) -> String {
        let path = format!("/jmap/upload/{}", self.account);
        let request = Request::post(path).header(header::CONTENT_TYPE, "message/rfc822");
        let (status, answer) = json_of(self.send(request, bytes).await).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["blobId"].as_str().unwrap().to_owned()
    }

    pub async fn mailbox(&self, role: &str) -> String {
        let answer = self.call("Mailbox/query", json!({"filter": {"role": role}})).await;
        answer["ids"][0].as_str().unwrap().to_owned()
    }

    pub async fn counts(&self, role: &str) -> [i64; 4] {
        let id = self.mailbox(role).await;
        let answer = self.call("Mailbox/get", json!({"ids": [id]})).await;
        ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]
            .map(|property| answer["list"][0][property].as_i64().unwrap())
    }

    /// Imports a message into a mailbox and gives its id.
    pub async fn import(&self, message: Vec<u8>, role: &str, keywords: Value) -> String {
        let (blob, mailbox) = (self.upload(message).await, self.mailbox(role).await);
        let email = json!({"blobId": blob, "mailboxIds": {mailbox: true}, "keywords": keywords});
        let answer = self.call("Email/import", json!({"emails": {"k": email}})).await;
        answer["created"]["k"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The ids of the emails in a mailbox, newest first.
    pub async fn emails_in(&self, role: &str) -> Vec<String> {
        let mailbox = self.mailbox(role).await;
        let answer = self.call("Email/query", json!({"filter": {"inMailbox": mailbox}})).await;
        answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// The bytes of an email.
    pub async fn message(&self, email: &str) -> Vec<u8> {
        let answer = self.call("Email/get", json!({"ids": [email], "properties": ["blobId"]})).await;
        let blob = answer["list"][0]["blobId"].as_str().unwrap();
        let path = format!("/jmap/download/{}/{blob}/letter.eml?type=message/rfc822", self.account);
        let response = self.send(Request::get(path), Body::empty()).await;
        assert_eq!(response.status(), StatusCode::OK);
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }
}

/// A relay with its doors open.
pub struct Served {
    pub running: serve::Running,
    pub fixture: Fixture,
}

impl Served {
    /// Opens a relay with people in a folder of its own.
    pub async fn start(names: &[&str], adjust: impl FnOnce(&mut Config)) -> Self {
        let served = Self::open(Arc::new(Folder::new()), adjust).await;
        add_people(&served.fixture.relay, names).await;
        served
    }

    /// Opens a relay with people in a folder that is there.
    pub async fn start_in(folder: Arc<Folder>, names: &[&str]) -> Self {
        let served = Self::open(folder, |_| ()).await;
        add_people(&served.fixture.relay, names).await;
        served
    }

    /// Opens what lies in a folder.
    pub async fn open(folder: Arc<Folder>, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(&folder);
        adjust(&mut config);
        let running = serve::start(config).await.unwrap();
        let relay = Arc::clone(&running.relay);
        Self { fixture: Fixture { router: http::router(Arc::clone(&relay)), relay, folder }, running }
    }

    pub async fn stop(self) -> Arc<Folder> {
        let folder = Arc::clone(&self.fixture.folder);
        self.running.stop().await;
        folder
    }

    /// Everything that is kept, for searching.
    pub fn disk(&self) -> Vec<u8> {
        disk(&self.fixture.folder)
    }
}

/// Everything in the data folder and in the database, for searching.
pub fn disk(folder: &Folder) -> Vec<u8> {
    let mut all = Vec::new();
    gather(&folder.path().join("data"), &mut all);
    if let Some(server) = on_postgres() {
        gather(server.folder(), &mut all);
    }
    all
}

/// Tells that a test has nothing to do here, by its name.
pub fn skip(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = std::env::var_os("SEALPOST_SKIPPED") {
        let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        std::io::Write::write_all(&mut list, format!("{test}\n").as_bytes()).unwrap();
    }
}

pub fn gather(folder: &Path, all: &mut Vec<u8>) {
    // What a database removes meanwhile is not there to be found.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, all);
        } else {
            all.extend(std::fs::read(path).unwrap_or_default());
        }
    }
}

pub fn holds(haystack: &[u8], needle: &str) -> bool {
    // The standard library's search of text is optimised also where tests are not; on PostgreSQL there are gigabytes.
    const STEP: usize = 1 << 20;
    (0..haystack.len()).step_by(STEP).any(|start| {
        let end = haystack.len().min(start + STEP + needle.len());
        String::from_utf8_lossy(haystack.get(start..end).unwrap_or_default()).contains(needle)
    })
}

/// Tries for a while until something is there.
pub async fn eventually<T, F: Future<Output = Option<T>>>(mut attempt: impl FnMut() -> F) -> T {
    for _ in 0..600 {
        if let Some(found) = attempt().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not come");
}
