//! Rows as JSON, whatever table they are of: for copies that either database can take in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::engine::Engine;
use super::sql::{self, Connection, Row, Value};
use super::{StoreError, schema};

/// A table and its columns.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// The tables of accounts and mail; not those of processes and sessions, which end with a copy.
pub async fn tables(connection: &mut Connection, engine: Engine) -> Result<Vec<Table>, StoreError> {
    let mut tables: Vec<Table> = Vec::new();
    for entry in schema::shape(connection, engine).await? {
        let Some((name, column)) = entry.split_once('.') else { continue };
        if matches!(name, "processes" | "sessions" | "schema_version") {
            continue;
        }
        match tables.last_mut() {
            Some(last) if last.name == name => last.columns.push(column.to_owned()),
            _ => tables.push(Table { name: name.to_owned(), columns: vec![column.to_owned()] }),
        }
    }
    Ok(tables)
}

impl Table {
    /// Whether each of its rows is of an account.
    pub fn has_account(&self) -> bool {
        self.columns.iter().any(|column| column == "account_id")
    }

    /// The rows of these accounts, or all; none for a table that does not tell whose its rows are.
    pub fn select(&self, scoped: bool) -> Option<String> {
        let columns = self.columns.join(", ");
        let all = format!("SELECT {columns} FROM {}", self.name);
        let of = "(SELECT id FROM accounts WHERE organisation = $1 OR address = $2)";
        if !scoped {
            return Some(all);
        }
        match self.name.as_str() {
            "accounts" => Some(format!("{all} WHERE id IN {of}")),
            "certificates" => {
                let addresses = "(SELECT address FROM accounts WHERE organisation = $1 OR address = $2)";
                Some(format!("{all} WHERE address IN {addresses}"))
            }
            "blobs" | "blob_data" => {
                let id = if self.name == "blobs" { "id" } else { "blob_id" };
                let held = format!("SELECT blob_id FROM account_blobs WHERE account_id IN {of}");
                let queued = format!("SELECT blob_id FROM queue WHERE account_id IN {of}");
                let waiting = format!("SELECT blob_id FROM held WHERE account_id IN {of}");
                Some(format!("{all} WHERE {id} IN ({held} UNION {queued} UNION {waiting})"))
            }
            _ if self.has_account() => Some(format!("{all} WHERE account_id IN {of}")),
            _ => None,
        }
    }
}

/// A row of the table as a JSON object without its nulls.
pub fn to_json(table: &Table, row: &Row) -> Map<String, Json> {
    let values = table.columns.iter().zip(row.values()).filter_map(|(column, value)| {
        let value = match value {
            Value::Integer(number) => json!((*number)?),
            Value::Text(text) => json!(text.as_ref()?),
            Value::Blob(octets) => json!({"octets": STANDARD.encode(octets.as_ref()?)}),
        };
        Some((column.clone(), value))
    });
    values.collect()
}

/// Puts a row into its table; one that is there stays, where `keep` says so.
pub async fn insert(
    connection: &mut Connection,
    table: &Table,
    row: &Map<String, Json>,
    keep: bool,
) -> Result<(), StoreError> {
    // Only names that the tables have ever reach a statement.
    let known = |name: &&String| table.columns.contains(name);
    let columns: Vec<&String> = row.keys().filter(known).collect();
    if columns.len() != row.len() {
        return Err(StoreError::Corrupt("a row has a column that its table does not have"));
    }
    let marks: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    let mut text = format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), marks.join(", "));
    if keep {
        text.push_str(" ON CONFLICT DO NOTHING");
    }
    let mut query = sql::query(sql::Text::of_constants(text));
    for value in columns.into_iter().filter_map(|name| row.get(name)) {
        query = match value {
            Json::String(text) => query.bind(text.clone()),
            Json::Number(number) => query.bind(number.as_i64().unwrap_or_default()),
            other => {
                let octets = other.get("octets").and_then(Json::as_str);
                let octets = octets.and_then(|text| STANDARD.decode(text).ok());
                query.bind(octets.ok_or(StoreError::Corrupt("a value"))?)
            }
        };
    }
    query.execute(connection).await?;
    Ok(())
}
