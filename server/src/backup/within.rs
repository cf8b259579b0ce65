use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Scope;
use crate::store::dump::Table;

/// An account of a copy.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Its id.
    pub id: String,
    /// Its address.
    pub address: String,
}

/// What the rows of a copy may be of: whoever can write where copies lie reaches no account beside theirs.
#[derive(Debug)]
pub struct Within<'a> {
    scope: &'a Scope,
    blobs: &'a BTreeSet<&'a str>,
    ids: BTreeSet<&'a str>,
    addresses: BTreeSet<&'a str>,
}

impl<'a> Within<'a> {
    /// Those that a copy of `scope` has of its accounts and blobs.
    pub fn new(scope: &'a Scope, accounts: &'a [Owner], blobs: &'a BTreeSet<&'a str>) -> Self {
        let ids = accounts.iter().map(|account| account.id.as_str()).collect();
        Self {
            scope,
            blobs,
            ids,
            addresses: accounts.iter().map(|account| account.address.as_str()).collect(),
        }
    }

    /// Whether it is the account, or one of the organisation, that such a copy is of.
    pub fn is_account(&self, address: &str, organisation: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref() == Some(found);
        self.scope.is_whole()
            || is(&self.scope.address, address)
            || is(&self.scope.organisation, organisation)
    }

    /// Whether such a copy may have the row.
    pub fn has(&self, table: &Table, row: &Map<String, Value>) -> bool {
        let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
        match table.name.as_str() {
            _ if self.scope.is_whole() => true,
            // What belongs to nobody is read as a row of the account without an id.
            "accounts" => !text("id").is_empty() && self.is_account(text("address"), text("organisation")),
            "certificates" => self.addresses.contains(text("address")),
            // They are told by their content, which has to come with them.
            "blobs" => self.blobs.contains(text("id")),
            _ => table.has_account() && self.ids.contains(text("account_id")),
        }
    }
}
