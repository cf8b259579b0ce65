//! `--out`: the decoded parts as files, under names that are safe whatever the sender wrote.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use smime::message::{Part, is_bidi_control};

/// The longest name written, in bytes; most file systems take 255.
const MAX_NAME: usize = 120;

/// Writes each part into the folder and returns the file names, in the order of the parts.
pub fn parts(folder: &Path, parts: &[Part]) -> Result<Vec<String>> {
    private_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut names = Vec::new();
    for part in parts {
        let name = file_name(part);
        let path = folder.join(&name);
        // An old file goes first, and a link is never followed to what it points to.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
            fs::remove_file(&path).with_context(|| format!("{} cannot be replaced", path.display()))?;
        }
        let file = private_file().open(&path);
        file.and_then(|mut file| file.write_all(&part.data))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        names.push(name);
    }
    Ok(names)
}

/// What was sealed is for its reader, and for no other user of the machine.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A folder that is there already keeps its mode.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The part's number, which keeps names apart, and what is harmless of the sender's name.
fn file_name(part: &Part) -> String {
    let given = part.name.as_deref().unwrap_or_default();
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().map(|c| if is_harmless(c) { c } else { '_' }).collect();
    let kept = shortened(kept.trim_matches(['.', ' ']));
    if kept.is_empty() {
        return format!("{}.{}", part.id, extension(&part.media_type));
    }
    format!("{}-{kept}", part.id)
}

/// Controls, what some file system forbids, and marks that would turn a name around.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !is_bidi_control(c) && !"/\\:*?\"<>|".contains(c)
}

/// Cuts in the middle, so that the extension stays.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let room = MAX_NAME - extension.len();
    let stem: String =
        stem.char_indices().take_while(|(at, c)| at + c.len_utf8() <= room).map(|(_, c)| c).collect();
    stem + &extension
}

fn extension(media_type: &str) -> &'static str {
    match media_type {
        "text/plain" => "txt",
        "text/html" => "html",
        "message/rfc822" | "message/global" => "eml",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "application/pdf" => "pdf",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        other if other.starts_with("multipart/") => "txt",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smime::message::Disposition;

    fn part(name: &str) -> Part {
        Part {
            id: "2.1".to_owned(),
            media_type: "application/pdf".to_owned(),
            charset: None,
            name: Some(name.to_owned()),
            disposition: Disposition::Attachment,
            content_id: None,
            data: b"data".to_vec(),
            is_body: false,
        }
    }

    #[test]
    fn no_name_leaves_the_folder() {
        for name in
            ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "..", ".", "", "a\0b", "C:x", "\u{202e}fdp.exe"]
        {
            let file = file_name(&part(name));
            assert!(file.starts_with("2.1"), "{file}");
            assert!(!file.contains(['/', '\\', '\0', ':', '\u{202e}']), "{file}");
        }
        assert_eq!(file_name(&part("合同.pdf")), "2.1-合同.pdf");
        assert_eq!(file_name(&part("..")), "2.1.pdf");
    }

    #[test]
    fn long_names_keep_their_extension() {
        let file = file_name(&part(&("长".repeat(500) + ".pdf")));
        assert!(file.len() <= MAX_NAME + 4 && file.ends_with(".pdf"), "{file}");
    }

    #[test]
    fn a_link_in_the_folder_is_replaced_and_not_followed() {
        let folder = std::env::temp_dir().join(format!("sealpost-agent-save-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let target = folder.join("target");
        fs::write(&target, "untouched").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&target, folder.join("2.1-x.pdf")).unwrap();
        assert_eq!(parts(&folder, &[part("x.pdf")]).unwrap(), ["2.1-x.pdf"]);
        assert_eq!(fs::read(&target).unwrap(), b"untouched");
        let written = folder.join("2.1-x.pdf");
        assert_eq!(fs::read(&written).unwrap(), b"data");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
