use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use jmap::sealed::ClearAnswer;
use jmap::{AccountId, LimitKind, RequestErrorType};

use super::Shared;
use super::body::Incoming;
use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::clear::{self, ClearError};
use crate::outbound;

/// `POST /jmap/clear/{accountId}?mailFrom=&rcptTo=&rcptTo=`: mail that a user knowingly sends in clear.
pub async fn send(
    State(shared): State<Shared>,
    Path(account): Path<AccountId>,
    RawQuery(query): RawQuery,
    signed_in: SignedIn,
    body: Body,
) -> Result<Json<ClearAnswer>, Fault> {
    let account = signed_in.changes(&shared, &account).await?;
    let turn = shared.turns.upload(&account.id);
    let turn = turn.map_err(|limit| RequestErrorType::Limit(limit).problem("too many at once"))?;
    let (mail_from, recipients) = envelope(query.as_deref().unwrap_or_default())?;
    let mut held = shared.letters.hold(&account.id);
    let body = Incoming::new(body, shared.relay.limits.max_size_upload, LimitKind::SizeUpload);
    let message = outbound::canonical(body.collect(&mut held).await?).await.map_err(Fault::failed)?;
    held.grow(message.len())?;
    // To its end, also when the browser goes away: what is half sent would be sent again.
    let relay = Arc::clone(&shared.relay);
    let sending = shared.relay.see_through(async move {
        let _held = (turn, held);
        clear::send(&relay, &account, &mail_from, recipients, message).await
    });
    let sent = sending.await.map_err(Fault::failed)?;
    sent.map(Json).map_err(|error| match error {
        ClearError::NotYours => Fault::new(StatusCode::FORBIDDEN, "the sender is not the signed-in address"),
        ClearError::Recipients => {
            Fault::new(StatusCode::BAD_REQUEST, "recipients are missing, wrong or too many")
        }
        ClearError::SentBefore => Fault::new(StatusCode::CONFLICT, "the message was sent already"),
        error @ ClearError::UnderWay => Fault::busy(error),
        ClearError::TooMany => {
            Fault::new(StatusCode::TOO_MANY_REQUESTS, "too many recipients within an hour").retry_after(3600)
        }
        other => Fault::failed(other),
    })
}

/// The query names each recipient in a parameter of its own.
fn envelope(query: &str) -> Result<(String, Vec<String>), Fault> {
    let wrong = || Fault::new(StatusCode::BAD_REQUEST, "mailFrom and rcptTo are wanted");
    let (mut mail_from, mut recipients) = (None, Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "mailFrom" => mail_from = Some(value.into_owned()),
            "rcptTo" => recipients.push(value.into_owned()),
            _ => return Err(wrong()),
        }
    }
    Ok((mail_from.ok_or_else(wrong)?, recipients))
}
