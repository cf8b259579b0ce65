//! The relay: JMAP calls, blobs, timestamps and the door for clear mail. Nothing it says is believed here.

use jmap::sealed::ClearAnswer;
use jmap::{
    AccountId, AnswerError, Batch, BlobId, CoreCapability, MAIL, Method, MethodErrorType, Response,
    SealedCapability, Session, Upload,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use smime::message::Incoming;
use zeroize::Zeroizing;

use super::urls::{escape, expand};
use crate::json;
use crate::protocol::{Failure, Secret};
use crate::web::http::{Answer, Ask, AskError, ask};

/// The longest JSON answer that is read.
const MAX_JSON: u64 = 32 * 1024 * 1024;
/// No longer message is fetched, whatever the relay says: all of it has to be held in memory.
const MAX_MESSAGE: u64 = 512 * 1024 * 1024;
/// The longest timestamp that is read.
const MAX_TIMESTAMP: u64 = 64 * 1024;
/// The longest revocation list that is read.
const MAX_REVOCATIONS: u64 = 4 * 1024 * 1024;
/// Milliseconds after which a call that carries no blob is given up.
const TIMEOUT: u32 = 60_000;

/// The status for a blob that is not there.
const NO_BLOB: &str = "404";
/// The status for a message that went to its recipients before.
const SENT_BEFORE: &str = "409";

const JSON: &str = "application/json";
const MESSAGE: &str = "message/rfc822";

/// Hears how many bytes went over, of how many.
pub type Listener = Option<Box<dyn Fn(u64, u64)>>;

/// An account's connection to its relay.
pub struct Relay {
    session: Session,
    account: AccountId,
    sealed: SealedCapability,
    core: CoreCapability,
}

/// Signs in; the session is a cookie that only the browser sees.
pub async fn sign_in(username: &str, password: &Secret) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Form<'a> {
        username: &'a str,
        password: &'a str,
    }
    let form = Form { username, password: password.expose() };
    let form = Zeroizing::new(serde_json::to_vec(&form).map_err(|_| malformed())?);
    let asked = Ask { timeout: TIMEOUT, ..Ask::post("/auth/sign-in", JSON, &form, MAX_JSON) };
    match send(asked).await {
        Err(Failure::SessionExpired) => Err(Failure::WrongPassword),
        other => other.map(|_| ()),
    }
}

/// Ends the session.
pub async fn sign_out() -> Result<(), Failure> {
    let asked = Ask { timeout: TIMEOUT, ..Ask::post("/auth/sign-out", JSON, b"{}", MAX_JSON) };
    send(asked).await.map(|_| ())
}

impl Relay {
    /// Asks who is signed in.
    pub async fn open() -> Result<Self, Failure> {
        let asked = Ask { timeout: TIMEOUT, ..Ask::get("/.well-known/jmap", MAX_JSON) };
        let session: Session = json(&send(asked).await?)?;
        let account = session.primary_accounts.get(MAIL).cloned().ok_or_else(malformed)?;
        let sealed = session.sealed().ok_or_else(malformed)?;
        let core = session.core().ok_or_else(malformed)?;
        Ok(Self { session, account, sealed, core })
    }

    /// The account of the user.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// What the relay says of sealed mail.
    pub fn sealed(&self) -> &SealedCapability {
        &self.sealed
    }

    /// The most objects of one `/get`.
    pub fn max_objects(&self) -> usize {
        usize::try_from(self.core.max_objects_in_get).unwrap_or(usize::MAX).max(1)
    }

    /// How many bytes of attachments fit into a message that the relay takes: in it they are base64 twice,
    /// as parts and as ciphertext, and 1.9 leaves room for the text.
    pub fn attachable(&self) -> u64 {
        let bytes = self.core.max_size_upload / 19 * 10;
        if bytes > 1_000_000 { bytes / 1_000_000 * 1_000_000 } else { bytes }
    }

    /// Makes one call.
    pub async fn call<M: Method>(&self, method: &M) -> Result<M::Answer, Failure> {
        let mut batch = Batch::default();
        let id = batch.call(method).map_err(|_| malformed())?;
        answer::<M>(&self.request(batch).await?, method.name(), &id)
    }

    /// Makes several calls at once.
    pub async fn request(&self, batch: Batch) -> Result<Response, Failure> {
        let body = serde_json::to_vec(&batch.into_request()).map_err(|_| malformed())?;
        let url = expand(&self.session.api_url, &[]);
        let answer = send(Ask { timeout: TIMEOUT, ..Ask::post(&url, JSON, &body, MAX_JSON) }).await?;
        // It holds values itself.
        serde_json::from_slice(&answer.body).map_err(|_| malformed())
    }

    /// Hands over a sealed message.
    pub async fn upload(&self, bytes: &[u8], uploaded: Listener) -> Result<BlobId, Failure> {
        let limit = self.core.max_size_upload;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            return Err(Failure::TooLarge { limit: Some(limit) });
        }
        let url = expand(&self.session.upload_url, &[("accountId", self.account.as_str())]);
        let asked = Ask { uploaded, sealed: true, ..Ask::post(&url, MESSAGE, bytes, MAX_JSON) };
        let upload: Upload = json(&send(asked).await?)?;
        Ok(upload.blob_id)
    }

    /// Fetches a message, byte by byte as it lies there.
    pub async fn download(&self, blob: &BlobId, downloaded: Listener) -> Result<Vec<u8>, Failure> {
        let mut message = Vec::new();
        self.pieces(blob, downloaded, &mut |piece, total| {
            if message.is_empty() {
                // Growing would copy what is there. Where there is no such room, it may be shorter than that.
                let _ = message.try_reserve_exact(total);
            }
            message.extend_from_slice(piece);
        })
        .await?;
        Ok(message)
    }

    /// Fetches a message to be opened.
    pub async fn receive(&self, blob: &BlobId, downloaded: Listener) -> Result<Incoming<'static>, Failure> {
        let mut message = None;
        self.pieces(blob, downloaded, &mut |piece, total| {
            message.get_or_insert_with(|| Incoming::expecting(total)).push(piece);
        })
        .await?;
        Ok(message.unwrap_or_default())
    }

    /// Fetches a message in pieces, each with the length of the whole: zero when that is unknown.
    async fn pieces(
        &self,
        blob: &BlobId,
        downloaded: Listener,
        take: &mut dyn FnMut(&[u8], usize),
    ) -> Result<(), Failure> {
        let values = [
            ("accountId", self.account.as_str()),
            ("blobId", blob.as_str()),
            ("name", "message.eml"),
            ("type", MESSAGE),
        ];
        let url = expand(&self.session.download_url, &values);
        // One that came in clear grew by a third when it was sealed at the door.
        let limit = self.core.max_size_upload.saturating_mul(2).min(MAX_MESSAGE);
        let mut loaded = 0;
        let mut received = |piece: &[u8], total: u64| {
            take(piece, usize::try_from(total.min(limit)).unwrap_or_default());
            loaded += u64::try_from(piece.len()).unwrap_or_default();
            if let Some(hear) = &downloaded {
                hear(loaded, total);
            }
        };
        match send(Ask { received: Some(&mut received), ..Ask::get(&url, limit) }).await {
            Err(Failure::RelayRefused { reason }) if reason == NO_BLOB => Err(Failure::NotFound),
            answer => answer.map(|_| ()),
        }
    }

    /// Sends a timestamp query (RFC 3161 3.4) and gives the response, unchecked.
    pub async fn timestamp(&self, query: &[u8]) -> Result<Vec<u8>, Failure> {
        let url = expand(&self.sealed.timestamp_url, &[]);
        let asked = Ask::post(&url, "application/timestamp-query", query, MAX_TIMESTAMP);
        send(Ask { timeout: TIMEOUT, ..asked }).await.map(|answer| answer.body)
    }

    /// Fetches a revocation list, unchecked.
    pub async fn revocation_list(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let url = expand(url, &[]);
        let asked = Ask { timeout: TIMEOUT, ..Ask::get(&url, MAX_REVOCATIONS) };
        send(asked).await.map(|answer| answer.body)
    }

    /// Sends a letter in clear, which its sender confirmed; the relay keeps nothing of it.
    pub async fn send_clear(
        &self,
        sender: &str,
        recipients: &[String],
        message: &[u8],
        uploaded: Listener,
    ) -> Result<ClearAnswer, Failure> {
        let mut url = expand(&self.sealed.clear_url, &[("accountId", self.account.as_str())]);
        url.push_str(&format!("?mailFrom={}", escape(sender)));
        for recipient in recipients {
            url.push_str(&format!("&rcptTo={}", escape(recipient)));
        }
        match send(Ask { uploaded, ..Ask::post(&url, MESSAGE, message, MAX_JSON) }).await {
            // An earlier attempt, whose answer was lost, went through. One that goes on is answered 503, and nobody knows.
            Err(Failure::RelayRefused { reason }) if reason == SENT_BEFORE => {
                Ok(ClearAnswer { accepted: recipients.to_vec(), refused: Vec::new() })
            }
            answer => json(&answer?),
        }
    }

    /// Where push comes from.
    pub fn events_url(&self) -> String {
        let values = [("types", "*"), ("closeafter", "no"), ("ping", "60")];
        expand(&self.session.event_source_url, &values)
    }
}

/// The answer to one call of a request.
pub fn answer<M: Method>(response: &Response, name: &str, id: &str) -> Result<M::Answer, Failure> {
    response.answer::<M>(name, id).map_err(|error| match error {
        AnswerError::Refused(error) => match error.kind {
            MethodErrorType::ServerUnavailable
            | MethodErrorType::ServerFail
            | MethodErrorType::ServerPartialFail => Failure::RelayFailed { reason: name_of(error.kind) },
            kind => Failure::RelayRefused { reason: name_of(kind) },
        },
        _ => malformed(),
    })
}

/// True if the relay refused because the state it was given is no longer the current one.
pub fn is_state_mismatch(failure: &Failure) -> bool {
    matches!(failure, Failure::RelayRefused { reason } if reason == "stateMismatch")
}

fn name_of(kind: MethodErrorType) -> String {
    let name = serde_json::to_value(kind).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn send(asked: Ask<'_>) -> Result<Answer, Failure> {
    let limit = asked.limit;
    let answer = ask(asked).await.map_err(|error| match error {
        AskError::Unreachable => Failure::Offline,
        AskError::TooLong => Failure::TooLarge { limit: Some(limit) },
    })?;
    match answer.status {
        200..=299 => Ok(answer),
        401 => Err(Failure::SessionExpired),
        413 => Err(Failure::TooLarge { limit: None }),
        429 => Err(Failure::TooManyAttempts { retry_after: answer.retry_after }),
        // What stands before the relay and cannot reach it is no better than no relay.
        502..=504 => Err(Failure::Offline),
        status @ 400..=499 => Err(Failure::RelayRefused { reason: status.to_string() }),
        status => Err(Failure::RelayFailed { reason: status.to_string() }),
    }
}

fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    json::read(&answer.body).ok_or_else(malformed)
}

fn malformed() -> Failure {
    Failure::RelayFailed { reason: "malformedAnswer".into() }
}
