//! Whether the relay is well: for what watches it, and for people.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::Fault;
use crate::relay::Relay;
use crate::store;

/// How long the store may take to show that it can be read.
const PATIENCE: Duration = Duration::from_secs(3);

/// How it is with the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    Busy,
    Stopping,
    Unwell,
}

/// `GET /livez`: the program answers; whoever watches it need not start it anew.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`, `GET /healthz`: mail can be kept and had; without its store the relay is of no use.
pub async fn ready(State(shared): State<Shared>) -> Result<&'static str, Fault> {
    match look(&shared).await {
        Health::Well | Health::Busy => Ok("ok\n"),
        Health::Stopping => Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay stops")),
        Health::Unwell => Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay cannot read its store")),
    }
}

async fn look(shared: &Shared) -> Health {
    if shared.relay.stopping.is_cancelled() {
        return Health::Stopping;
    }
    match tokio::time::timeout(PATIENCE, read(&shared.relay)).await {
        Ok(Ok(())) if shared.admission.is_busy() => Health::Busy,
        Ok(Ok(())) => Health::Well,
        Ok(Err(error)) => unwell(&error),
        Err(late) => unwell(&late),
    }
}

async fn read(relay: &Relay) -> Result<(), store::StoreError> {
    let mut connection = relay.store.read().await?;
    store::probe(&mut connection).await
}

fn unwell(error: &dyn std::fmt::Display) -> Health {
    tracing::error!(%error, "the store cannot be read");
    Health::Unwell
}

impl Health {
    fn status(self) -> StatusCode {
        match self {
            Self::Well | Self::Busy => StatusCode::OK,
            Self::Stopping | Self::Unwell => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// In Chinese and in English.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Well => ["邮件服务运行正常。", "Mail works as it should."],
            Self::Busy => [
                "使用的人很多，可能需要稍等片刻。邮件不会丢失。",
                "Many people use it now; some things take longer. No mail is lost.",
            ],
            Self::Stopping => [
                "服务正在重新启动，请过几分钟再试。邮件不会丢失。",
                "The service starts anew; please come again in some minutes. No mail is lost.",
            ],
            Self::Unwell => [
                "服务暂时不可用，我们正在处理。已收到的邮件不会丢失，新邮件会由发送方稍后重试。",
                "The service is not available now, and is being looked at. Mail that came is not lost; new mail \
                 is tried again by its senders.",
            ],
        }
    }
}

/// `GET /status`: a page for people, without script, in the language that the browser asks for first.
pub async fn status(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let health = look(&shared).await;
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let english_first = asked.is_some_and(|asked| asked.trim_start().to_ascii_lowercase().starts_with("en"));
    let [chinese, english] = health.words();
    let mut parts = [("zh-Hans", "服务状态", chinese), ("en", "Status", english)];
    if english_first {
        parts.reverse();
    }
    let [(language, title, _), _] = parts;
    let body: String = parts
        .iter()
        .map(|(language, title, words)| {
            format!("<section lang=\"{language}\"><h1>{title}</h1><p>{words}</p></section>")
        })
        .collect();
    let page = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><main>{body}</main></body></html>\n"
    );
    let fields = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::VARY, "accept-language")];
    (health.status(), fields, page).into_response()
}
