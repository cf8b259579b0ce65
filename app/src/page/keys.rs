//! Keyboard shortcuts.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Next,
    Previous,
    Open,
    Write,
    Reply,
    ReplyAll,
    Forward,
    Archive,
    Trash,
    Find,
    Help,
    Escape,
}

/// The keys, in the order in which the help lists them.
pub(crate) const SHORTCUTS: [(&str, Command); 10] = [
    ("j", Command::Next),
    ("k", Command::Previous),
    ("Enter", Command::Open),
    ("c", Command::Write),
    ("r", Command::Reply),
    ("a", Command::ReplyAll),
    ("f", Command::Forward),
    ("e", Command::Archive),
    ("#", Command::Trash),
    ("/", Command::Find),
];

impl Command {
    /// What a key asks for where it is pressed; letters mean themselves where text is typed.
    pub(crate) fn of(key: &str, typing: bool, modified: bool) -> Option<Self> {
        if key == "Escape" {
            return Some(Self::Escape);
        }
        if typing || modified {
            return None;
        }
        match key {
            "?" => Some(Self::Help),
            "Delete" => Some(Self::Trash),
            _ => SHORTCUTS.iter().find(|(name, _)| *name == key).map(|(_, command)| *command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn letters_are_letters_where_text_is_typed() {
        assert_eq!(Command::of("c", false, false), Some(Command::Write));
        assert_eq!(Command::of("c", true, false), None);
        assert_eq!(Command::of("c", false, true), None);
        assert_eq!(Command::of("Escape", true, false), Some(Command::Escape));
    }
}
