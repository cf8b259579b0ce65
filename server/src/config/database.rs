use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;

/// The address of a PostgreSQL database; a password in it is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Database(String);

/// Why an address leads to no database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It is for another kind of database.
    #[error("database is not the address of a PostgreSQL database, which begins with \"postgres:\"")]
    Scheme,
    /// It cannot be read.
    #[error("database is no address: {0}")]
    Malformed(sqlx::Error),
}

impl Database {
    /// The address, with what it holds.
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Database {
    type Error = DatabaseError;

    fn try_from(text: String) -> Result<Self, DatabaseError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseError::Scheme);
        }
        PgConnectOptions::from_str(&text).map_err(DatabaseError::Malformed)?;
        Ok(Self(text))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        let database = Database::try_from("postgres://a:secret@b/c".to_owned()).unwrap();
        assert!(!format!("{database:?}").contains("secret"));
    }

    #[test]
    fn another_database_is_refused() {
        assert!(matches!(Database::try_from("mysql://a/b".to_owned()), Err(DatabaseError::Scheme)));
    }
}
