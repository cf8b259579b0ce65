use std::fmt;

/// Where and why a file is no configuration, without what is written there: a line may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    line: usize,
    column: usize,
    reason: String,
}

impl Fault {
    /// What a parser says of a text.
    pub fn new(error: &toml::de::Error, text: &str) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        // A reason repeats a value of the wrong type, and that may be an address in the place of another value.
        let reason = match error.message().contains("://") {
            true => "the value cannot be used",
            false => error.message(),
        };
        Self { line, column, reason: reason.to_owned() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};

    fn refused(name: &str, text: &str) -> ConfigError {
        let path = std::env::temp_dir().join(format!("sealpost-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let refused = Config::read(&path);
        std::fs::remove_file(&path).unwrap();
        refused.unwrap_err()
    }

    #[test]
    fn a_password_in_a_line_that_cannot_be_read_is_not_told() {
        for line in [
            "database = 'mysql://a:secret@b/c'",
            "database = 'postgres://a:secret@b:port/c'",
            "database = 'postgres://a:sec/ret@b/c'",
            "database = 'postgres://a:secret@b/c",
            "database = postgres://a:secret@b/c",
            "database = \"postgres://a:secret@b/\\c\"",
            "database = ['postgres://a:secret@b/c']",
            "database = { url = 'postgres://a:secret@b/c' }",
            "database = 'postgres://a:secret@b/c' 'secret'",
            "database 'postgres://a:secret@b/c'",
            "database = 'postgres://a:secret@b/c'\ndatabase = 'postgres://a:secret@b/c'",
            "databse = 'postgres://a:secret@b/c'",
            "demo = 'postgres://a:secret@b/c'",
            "listen = 'postgres://a:secret@b/c'",
        ] {
            let refused = refused("password", &format!("host = 'mx'\n{line}\n"));
            let mut told = format!("{refused} {refused:?}");
            let mut cause = std::error::Error::source(&refused);
            while let Some(error) = cause {
                told.push_str(&format!("{error} {error:?}"));
                cause = error.source();
            }
            assert!(told.contains("line ") && !told.contains("sec"), "{line}: {told}");
        }
    }

    #[test]
    fn a_fault_is_told_by_its_place_and_reason() {
        for (line, told) in [
            ("smarthost = 'mx:abc'", "13: the port of the smarthost is no number from 1 to 65535"),
            ("database = 'mysql://a:b@c/d'", "12: database is not the address of a PostgreSQL database"),
            ("database = 'postgres://a:b@c:port/d'", "12: database is no address: "),
        ] {
            let refused = refused("place", &format!("host = 'mx'\n{line}\n")).to_string();
            assert!(refused.contains(&format!(".toml, line 2, column {told}")), "{refused}");
        }
    }
}
