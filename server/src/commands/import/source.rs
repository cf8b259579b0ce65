use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::mbox::Mbox;
use crate::clock::Millis;
use crate::commands::Form;
use crate::commands::export::FLAGS;

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is in clear, or its outer header tells more than it must, and the account holds sealed mail only.
    #[error("refused: it is not sealed, and the account holds sealed mail only")]
    NotSealed,
    /// It does not begin like a message.
    #[error("refused: it is no message")]
    NoMessage,
    /// It is larger than a message may be.
    #[error("refused: it is larger than max_message_size")]
    TooLarge,
    /// It cannot be read.
    #[error("refused: {0}")]
    File(#[from] io::Error),
}

/// A message, with what its form tells of it.
#[derive(Debug)]
pub struct Found {
    /// The name of its file, or its number.
    pub name: String,
    /// Its bytes, with CRLF where lines ended in LF alone.
    pub bytes: Result<Vec<u8>, Refusal>,
    /// The keywords that its flags stand for.
    pub keywords: BTreeSet<String>,
    /// When it came, where that is told.
    pub received_at: Option<Millis>,
}

/// Messages one after the other, none of which is held longer than it takes.
pub enum Source {
    /// A file each.
    Files { paths: std::vec::IntoIter<PathBuf>, form: Form, longest: usize },
    /// All in one.
    Mbox(Mbox<BufReader<File>>),
}

impl Source {
    /// Opens a file or a folder of messages of at most `longest` octets each.
    pub fn open(form: Form, from: &Path, longest: usize) -> io::Result<Self> {
        let mut paths = Vec::new();
        match form {
            Form::Mbox => return Ok(Self::Mbox(Mbox::new(BufReader::new(File::open(from)?), longest))),
            Form::Eml if from.is_dir() => gather(from, &mut paths)?,
            Form::Eml => paths.push(from.to_owned()),
            Form::Maildir => {
                gather(&from.join("cur"), &mut paths)?;
                gather(&from.join("new"), &mut paths)?;
            }
        }
        paths.sort();
        Ok(Self::Files { paths: paths.into_iter(), form, longest })
    }
}

impl Iterator for Source {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        match self {
            Self::Mbox(mbox) => mbox.next(),
            Self::Files { paths, form, longest } => {
                paths.next().map(|path| file(&path, *form == Form::Maildir, *longest))
            }
        }
    }
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn file(path: &Path, maildir: bool, longest: usize) -> Found {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (keywords, received_at) = if maildir { told(&name) } else { (BTreeSet::new(), None) };
    Found { bytes: read(path, longest), name, keywords, received_at }
}

fn read(path: &Path, longest: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    let bytes = if bytes.windows(2).any(|two| two == b"\r\n") { bytes } else { with_crlf(&bytes) };
    if bytes.len() > longest { Err(Refusal::TooLarge) } else { Ok(bytes) }
}

/// As messages are sent: files of Unix have lines that end in LF alone.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => text.extend_from_slice(&[line, b"\r\n"].concat()),
            None => text.extend_from_slice(line),
        }
    }
    text
}

/// What a file name of a Maildir tells: `seconds.unique.host:2,flags`.
fn told(name: &str) -> (BTreeSet<String>, Option<Millis>) {
    let seconds = name.split('.').next().and_then(|text| text.parse::<i64>().ok());
    let flags = name.rsplit_once(":2,").map_or("", |(_, flags)| flags);
    let keywords = FLAGS.into_iter().filter(|(_, flag)| flags.contains(*flag));
    (keywords.map(|(keyword, _)| keyword.to_owned()).collect(), seconds.and_then(|at| at.checked_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_maildir_file_tells_time_and_flags() {
        let (keywords, at) = told("1700000000.M1.host:2,FS");
        assert_eq!((keywords.len(), at), (2, Some(1_700_000_000_000)));
        assert_eq!(told("odd"), (BTreeSet::new(), None));
        assert_eq!(told("9223372036854775807.x").1, None);
    }

    #[test]
    fn lines_end_in_crlf() {
        assert_eq!(with_crlf(b"a: b\n\nc"), b"a: b\r\n\r\nc");
    }
}
