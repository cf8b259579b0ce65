use jmap::AccountId;

use super::sql::{self, Connection, Row};
use super::{StoreError, Tx, Usage};
use crate::clock;
use crate::random;

/// What an address stands for; fixed when the account is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// One person.
    Personal,
    /// An office.
    Office,
    /// An office's announcements to everybody: signed, and clear by definition.
    Public,
}

impl AccountKind {
    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Office => "office",
            Self::Public => "public",
        }
    }

    /// Whether the account keeps sealed mail only.
    pub fn is_sealed(self) -> bool {
        match self {
            Self::Personal | Self::Office => true,
            Self::Public => false,
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Personal, Self::Office, Self::Public].into_iter().find(|kind| kind.name() == name)
    }
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its address in lower case.
    pub address: String,
    /// The name of the person or office.
    pub name: String,
    /// What it stands for.
    pub kind: AccountKind,
    /// Where the person works.
    pub organisation: Option<String>,
    /// The password's Argon2id hash.
    pub password: String,
}

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its address.
    pub address: String,
    /// The name of the person or office.
    pub name: String,
    /// What it stands for.
    pub kind: AccountKind,
    /// Where the person works.
    pub organisation: Option<String>,
    /// The password's Argon2id hash.
    pub password: String,
}

/// Makes an account without mailboxes; none when the address is taken.
pub async fn add_account(tx: &mut Tx, new: &NewAccount) -> Result<Option<AccountId>, StoreError> {
    let id = random::id('a');
    let done = sql::query(
        "INSERT INTO accounts (id, address, name, kind, organisation, password, created_at, modseq,
         mailbox_state, email_state, thread_state, submission_state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0) ON CONFLICT (address) DO NOTHING",
    )
    .bind(&id)
    .bind(new.address.to_lowercase())
    .bind(&new.name)
    .bind(new.kind.name())
    .bind(new.organisation.as_deref())
    .bind(&new.password)
    .bind(clock::now())
    .execute(tx.connection())
    .await?;
    if done == 0 {
        return Ok(None);
    }
    // Each account sends as itself from the start.
    sql::query(
        "INSERT INTO identities (account_id, id, name, email, text_signature, html_signature, created_state,
         updated_state) VALUES ($1, 'self', $2, $3, '', '', 0, 0)",
    )
    .bind(&id)
    .bind(&new.name)
    .bind(new.address.to_lowercase())
    .execute(tx.connection())
    .await?;
    Ok(Some(AccountId::from(id)))
}

/// The account of that id.
pub async fn account(connection: &mut Connection, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let row =
        sql::query("SELECT id, address, name, kind, organisation, password FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await?;
    row.as_ref().map(read).transpose()
}

/// The account of that address.
pub async fn account_by_address(
    connection: &mut Connection,
    address: &str,
) -> Result<Option<Account>, StoreError> {
    let row =
        sql::query("SELECT id, address, name, kind, organisation, password FROM accounts WHERE address = $1")
            .bind(address.to_lowercase())
            .fetch_optional(connection)
            .await?;
    row.as_ref().map(read).transpose()
}

/// The account that mail for an address is for, with what it keeps; `default` as in [`usage`](super::usage).
pub async fn recipient(
    connection: &mut Connection,
    address: &str,
    default: Option<i64>,
) -> Result<Option<(Account, Usage)>, StoreError> {
    let text = "SELECT id, address, name, kind, organisation, password, used, quota FROM accounts
                WHERE address = $1";
    let row = sql::query(text).bind(address.to_lowercase()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let usage = Usage { used: row.try_get(6)?, quota: row.try_get::<Option<i64>>(7)?.or(default) };
    Ok(Some((read(&row)?, usage)))
}

/// Gives an account another password, by its Argon2id hash.
pub async fn set_password(tx: &mut Tx, account: &AccountId, hash: &str) -> Result<(), StoreError> {
    sql::query("UPDATE accounts SET password = $2 WHERE id = $1")
        .bind(account.as_str())
        .bind(hash)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// How many accounts there are.
pub async fn accounts(connection: &mut Connection) -> Result<i64, StoreError> {
    Ok(sql::query("SELECT COUNT(*) FROM accounts").fetch_one(connection).await?.try_get(0)?)
}

/// Accounts whose name or address holds `text`, those that begin with it first.
pub async fn directory(
    connection: &mut Connection,
    text: &str,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let [small, capital, titled] = spellings(text).map(|text| escape(&text));
    let rows = sql::query(
        "SELECT id, address, name, kind, organisation, password FROM accounts
         WHERE address LIKE '%' || $1 || '%' ESCAPE '!' OR LOWER(name) LIKE '%' || $1 || '%' ESCAPE '!'
           OR LOWER(name) LIKE '%' || $2 || '%' ESCAPE '!' OR LOWER(name) LIKE '%' || $3 || '%' ESCAPE '!'
         ORDER BY CASE WHEN address LIKE $1 || '%' ESCAPE '!' OR LOWER(name) LIKE $1 || '%' ESCAPE '!'
           OR LOWER(name) LIKE $2 || '%' ESCAPE '!' OR LOWER(name) LIKE $3 || '%' ESCAPE '!' THEN 0 ELSE 1 END,
         name, address LIMIT $4",
    )
    .bind(small)
    .bind(capital)
    .bind(titled)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// In small letters, in capitals, and with a capital at the start of each word: databases know the case of ASCII alone,
/// in which all is in small letters.
fn spellings(text: &str) -> [String; 3] {
    let (small, mut titled, mut is_within) = (text.to_lowercase(), String::new(), false);
    for letter in small.chars() {
        match is_within {
            true => titled.push(letter),
            false => titled.extend(letter.to_uppercase()),
        }
        is_within = letter.is_alphanumeric();
    }
    [small, text.to_uppercase().to_ascii_lowercase(), titled.to_ascii_lowercase()]
}

fn escape(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

pub(super) fn read(row: &Row) -> Result<Account, StoreError> {
    let kind: String = row.try_get(3)?;
    Ok(Account {
        id: AccountId::from(row.try_get::<String>(0)?),
        address: row.try_get(1)?,
        name: row.try_get(2)?,
        kind: AccountKind::from_name(&kind).ok_or(StoreError::Corrupt("account kind"))?,
        organisation: row.try_get(4)?,
        password: row.try_get(5)?,
    })
}
