//! `PushSubscription` (RFC 8620 7.2): it belongs to who signed in, not to an account.

use std::collections::BTreeMap;

use jmap::{AccountId, Id, MethodError, MethodErrorType, Patch, SetError, SetErrorType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{
    Answer, Outcome, answer, arguments, check_properties, check_set_size, failed, ids_to_get,
};
use super::{Call, set as sets};
use crate::clock::{Millis, now, parse_date, utc_date};
use crate::random;
use crate::store::{self, Credential, PushSubscription, StoreError, Tx};
use crate::webpush::{self, Keys};

/// The greatest number of subscriptions of one session or app password: nobody else sees them, nor can end them.
const MOST: usize = 8;
/// The greatest number of an account's.
const MOST_OF_ALL: usize = 32;
/// RFC 8620 7.2: a subscription ends unless its client prolongs it.
const LIFE: Millis = 7 * 24 * 60 * 60 * 1000;
const LONGEST: usize = 2048;

#[derive(Debug, Deserialize)]
struct Get {
    ids: Option<Vec<String>>,
    properties: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Set {
    create: Option<BTreeMap<String, Map<String, Value>>>,
    update: Option<BTreeMap<Id, Patch>>,
    destroy: Option<Vec<Id>>,
}

const PROPERTIES: [&str; 5] = ["id", "deviceClientId", "verificationCode", "expires", "types"];

/// `PushSubscription/get`; there is no state, and where it goes is never told.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get { ids, properties } = arguments(given)?;
    let secret = |property: &String| matches!(property.as_str(), "url" | "keys");
    if properties.iter().flatten().any(secret) {
        return Err(MethodErrorType::Forbidden.into());
    }
    check_properties(properties.as_deref(), &PROPERTIES)?;
    let ids = ids_to_get(ids, &call.relay.limits)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let mut all = store::subscriptions(&mut connection, &call.user.id, now()).await.map_err(failed)?;
    // RFC 8620 7.2.1: those alone that were made by whoever is signed in the same way.
    all.retain(|one| one.credential == call.credential);
    let missing: Vec<&String> =
        ids.iter().flatten().filter(|id| !all.iter().any(|one| one.id == **id)).collect();
    let wanted = all.iter().filter(|one| ids.as_ref().is_none_or(|ids| ids.contains(&one.id)));
    let list = wanted.map(|one| super::answer::project(&object(one), properties.as_deref()));
    answer(&json!({"list": list.collect::<Result<Vec<_>, _>>()?, "notFound": missing}))
}

fn object(subscription: &PushSubscription) -> Value {
    json!({
        "id": subscription.id,
        "deviceClientId": subscription.device,
        "verificationCode": subscription.verified.then_some(&subscription.code),
        "expires": utc_date(subscription.expires_at),
        "types": subscription.types,
    })
}

/// `PushSubscription/set`
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Set = arguments(given)?;
    let count = wanted.create.iter().flatten().count()
        + wanted.update.iter().flatten().count()
        + wanted.destroy.iter().flatten().count();
    check_set_size(count, &call.relay.limits)?;
    let (user, credential) = (call.user.id.clone(), call.credential.clone());
    // The first thing that a new one does is to send something to a URL of the client's choice.
    let may_create = wanted
        .create
        .as_ref()
        .is_none_or(|create| create.is_empty() || call.relay.subscribing.take(&user, create.len(), now()));
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let (mut outcome, mut fresh) = (Outcome::default(), Vec::new());
            for (creation, properties) in wanted.create.into_iter().flatten() {
                let known = store::subscriptions(tx.connection(), &user, now()).await?;
                let allowed =
                    if may_create { room(&known, &credential) } else { Err(SetErrorType::RateLimit.into()) };
                match allowed.and_then(|()| read((&user, &credential), properties)) {
                    Ok(new) => {
                        store::put_subscription(tx, &new).await?;
                        let made = json!({"id": new.id, "keys": null, "expires": utc_date(new.expires_at)});
                        outcome.created.insert(creation, made.as_object().cloned().unwrap_or_default());
                        fresh.push(new);
                    }
                    Err(error) => drop(outcome.not_created.insert(creation, error)),
                }
            }
            for (id, patch) in wanted.update.into_iter().flatten() {
                match update(tx, (&user, &credential), &id, patch).await? {
                    Ok(changed) => drop(outcome.updated.insert(id, changed)),
                    Err(error) => drop(outcome.not_updated.insert(id, error)),
                }
            }
            for id in wanted.destroy.into_iter().flatten() {
                match own(tx, (&user, &credential), &id).await? {
                    Some(one) => {
                        store::drop_subscription(tx, &user, &one.id).await?;
                        outcome.destroyed.push(id);
                    }
                    None => drop(outcome.not_destroyed.insert(id, SetErrorType::NotFound.into())),
                }
            }
            Ok::<_, StoreError>((outcome, fresh))
        })
    });
    let (outcome, fresh) = write.await.map_err(failed)?;
    for subscription in fresh {
        webpush::verify(&call.relay, subscription);
    }
    answer(&told(&outcome))
}

/// As a `/set` answers, without states: there are none.
fn told(outcome: &Outcome) -> Value {
    fn filled<K: ToString + Ord, V: serde::Serialize>(map: &BTreeMap<K, V>) -> Value {
        let each = map.iter().map(|(key, value)| (key.to_string(), json!(value)));
        if map.is_empty() { Value::Null } else { Value::Object(each.collect()) }
    }
    json!({
        "created": filled(&outcome.created),
        "updated": filled(&outcome.updated),
        "destroyed": (!outcome.destroyed.is_empty()).then_some(&outcome.destroyed),
        "notCreated": filled(&outcome.not_created),
        "notUpdated": filled(&outcome.not_updated),
        "notDestroyed": filled(&outcome.not_destroyed),
    })
}

fn room(known: &[PushSubscription], credential: &Credential) -> Result<(), SetError> {
    let own = known.iter().filter(|one| one.credential == *credential).count();
    if own < MOST && known.len() < MOST_OF_ALL { Ok(()) } else { Err(SetErrorType::OverQuota.into()) }
}

fn read(
    (user, credential): (&AccountId, &Credential),
    properties: Map<String, Value>,
) -> Result<PushSubscription, SetError> {
    let mut new = PushSubscription {
        account: user.clone(),
        credential: credential.clone(),
        id: random::id('p'),
        device: String::new(),
        url: String::new(),
        keys: None,
        types: None,
        code: random::letters::<26>(),
        verified: false,
        expires_at: now() + LIFE,
    };
    for (property, value) in properties {
        let wrong = || SetError::invalid_properties([property.as_str()]);
        match (property.as_str(), value) {
            ("deviceClientId", Value::String(device))
                if device.len() <= LONGEST && !device.contains('\0') =>
            {
                new.device = device;
            }
            ("url", Value::String(url)) if url.len() <= LONGEST && webpush::is_endpoint(&url) => {
                new.url = url
            }
            ("keys", Value::Null) => {}
            ("keys", Value::Object(keys)) => {
                let text = |name: &str| keys.get(name).and_then(Value::as_str).map(str::to_owned);
                let keys = text("p256dh").zip(text("auth")).map(|(p256dh, auth)| Keys { p256dh, auth });
                new.keys = Some(keys.filter(webpush::is_key).ok_or_else(wrong)?);
            }
            ("expires", value) => new.expires_at = expires(&value).ok_or_else(wrong)?,
            ("types", value) => new.types = types(&value).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    let missing: Vec<&str> = [("deviceClientId", &new.device), ("url", &new.url)]
        .iter()
        .filter(|(_, text)| text.is_empty())
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() { Ok(new) } else { Err(SetError::invalid_properties(missing)) }
}

/// The subscription, if it was made by whoever is signed in the same way.
async fn own(
    tx: &mut Tx,
    (user, credential): (&AccountId, &Credential),
    id: &Id,
) -> Result<Option<PushSubscription>, StoreError> {
    let all = store::subscriptions(tx.connection(), user, now()).await?;
    Ok(all.into_iter().find(|one| one.id == id.as_str() && one.credential == *credential))
}

/// Gives the properties that the relay changed beyond the patch.
async fn update(
    tx: &mut Tx,
    by: (&AccountId, &Credential),
    id: &Id,
    patch: Patch,
) -> Result<Result<Option<Map<String, Value>>, SetError>, StoreError> {
    let Some(mut one) = own(tx, by, id).await? else {
        return Ok(Err(SetErrorType::NotFound.into()));
    };
    let mut changed = None;
    let patch = match sets::news(patch, &object(&one)) {
        Ok(patch) => patch,
        Err(error) => return Ok(Err(error)),
    };
    for (property, value) in patch {
        let wrong = || SetError::invalid_properties([property.as_str()]);
        match (property.as_str(), &value) {
            ("verificationCode", Value::String(code)) if *code == one.code => one.verified = true,
            ("expires", value) => match expires(value) {
                Some(at) => {
                    one.expires_at = at;
                    changed = Some(Map::from_iter([("expires".to_owned(), json!(utc_date(at)))]));
                }
                None => return Ok(Err(wrong())),
            },
            ("types", value) => match types(value) {
                Some(types) => one.types = types,
                None => return Ok(Err(wrong())),
            },
            _ => return Ok(Err(wrong())),
        }
    }
    store::put_subscription(tx, &one).await?;
    Ok(Ok(changed))
}

/// As asked, but not for longer than subscriptions last.
fn expires(value: &Value) -> Option<Millis> {
    match value {
        Value::Null => Some(now() + LIFE),
        Value::String(text) => parse_date(text).map(|at| at.min(now() + LIFE)).filter(|at| *at > now()),
        _ => None,
    }
}

fn types(value: &Value) -> Option<Option<Vec<String>>> {
    let is_type = |text: &str| {
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match value {
        Value::Null => Some(None),
        Value::Array(list) if list.len() <= 64 => {
            let each = list.iter().map(|one| one.as_str().filter(|text| is_type(text)).map(str::to_owned));
            each.collect::<Option<Vec<_>>>().map(Some)
        }
        _ => None,
    }
}
