//! What the engine keeps in this browser: one IndexedDB database per account.

use std::rc::Rc;

use idb::event::VersionChangeEvent;
use idb::{DatabaseEvent, Factory, ObjectStoreParams, Query, TransactionMode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use crate::json;
use crate::protocol::Failure;

/// The steps from one version of the database to the next; a step is never edited once released.
const STEPS: [&[&str]; 1] = [&["keys", "records", "contacts"]];

/// A store of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Private keys, as non-extractable CryptoKeys, by key id.
    Keys,
    /// The identity, the pinned authorities, the vault key: one record each.
    Records,
    /// Certificates learnt from signed mail, by address.
    Contacts,
}

impl Store {
    const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Records => "records",
            Self::Contacts => "contacts",
        }
    }
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Database(Rc<idb::Database>);

impl Database {
    /// Opens or makes the database of an account.
    ///
    /// A database of a newer program is left alone: [`Failure::StorageNewer`].
    pub async fn open(account: &str) -> Result<Self, Failure> {
        let factory = Factory::new().map_err(failure)?;
        let version = u32::try_from(STEPS.len()).map_err(|_| Failure::StorageUnavailable)?;
        let mut request = factory.open(&format!("sealpost-{account}"), Some(version)).map_err(failure)?;
        request.on_upgrade_needed(|event| {
            // A failed step aborts the upgrade, and the open request fails with it.
            let _ = upgrade(&event);
        });
        let mut database = request.await.map_err(failure)?;
        database.on_version_change(|event| {
            // Another tab brings a newer program: get out of its way.
            if let Ok(database) = event.database() {
                database.close();
            }
        });
        Ok(Self(Rc::new(database)))
    }

    /// The value of a key.
    pub async fn value(&self, store: Store, key: &str) -> Result<Option<JsValue>, Failure> {
        let transaction = self.0.transaction(&[store.name()], TransactionMode::ReadOnly).map_err(failure)?;
        let objects = transaction.object_store(store.name()).map_err(failure)?;
        let request = objects.get(Query::Key(key.into())).map_err(failure)?;
        request.await.map_err(failure)
    }

    /// Sets a value unless the key has one, and gives the value that is there then.
    ///
    /// One transaction does both, so that two tabs agree.
    pub async fn settle(&self, store: Store, key: &str, value: &JsValue) -> Result<JsValue, Failure> {
        let transaction = self.0.transaction(&[store.name()], TransactionMode::ReadWrite).map_err(failure)?;
        let objects = transaction.object_store(store.name()).map_err(failure)?;
        let there = objects.get(Query::Key(key.into())).map_err(failure)?.await.map_err(failure)?;
        if there.is_none() {
            objects.put(value, Some(&key.into())).map_err(failure)?;
        }
        transaction.await.map_err(failure)?;
        Ok(there.unwrap_or_else(|| value.clone()))
    }

    /// Sets values of one store, all or none.
    pub async fn put(&self, store: Store, entries: &[(&str, JsValue)]) -> Result<(), Failure> {
        let transaction = self.0.transaction(&[store.name()], TransactionMode::ReadWrite).map_err(failure)?;
        let objects = transaction.object_store(store.name()).map_err(failure)?;
        for (key, value) in entries {
            objects.put(value, Some(&(*key).into())).map_err(failure)?;
        }
        transaction.await.map_err(failure)?;
        Ok(())
    }

    /// Removes a key.
    pub async fn remove(&self, store: Store, key: &str) -> Result<(), Failure> {
        let transaction = self.0.transaction(&[store.name()], TransactionMode::ReadWrite).map_err(failure)?;
        let objects = transaction.object_store(store.name()).map_err(failure)?;
        objects.delete(Query::Key(key.into())).map_err(failure)?;
        transaction.await.map_err(failure)?;
        Ok(())
    }

    /// The record of a key, kept as JSON; one that cannot be read counts as absent.
    pub async fn record<T: DeserializeOwned>(&self, store: Store, key: &str) -> Result<Option<T>, Failure> {
        let text = self.value(store, key).await?.and_then(|value| value.as_string());
        Ok(text.and_then(|text| json::read(text.as_bytes())))
    }

    /// Sets a record, kept as JSON.
    pub async fn set_record<T: Serialize>(&self, store: Store, key: &str, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|_| Failure::StorageUnavailable)?;
        self.put(store, &[(key, text.into())]).await
    }
}

fn upgrade(event: &VersionChangeEvent) -> Result<(), idb::Error> {
    let database = event.database()?;
    let from = event.old_version().ok().and_then(|version| usize::try_from(version).ok()).unwrap_or(0);
    for store in STEPS.iter().skip(from).copied().flatten() {
        database.create_object_store(store, ObjectStoreParams::new())?;
    }
    Ok(())
}

fn failure(error: idb::Error) -> Failure {
    match error {
        idb::Error::DomException(exception) if exception.name() == "VersionError" => Failure::StorageNewer,
        _ => Failure::StorageUnavailable,
    }
}
