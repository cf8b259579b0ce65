//! Corpora of real and broken mail: the tree, the header and every decoded body, against other parsers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use smime::{
    Hash, Provider, Trust, UnixTime, block_on_ready,
    message::{Opened, open},
    rustcrypto::{MemoryKeyring, RustCrypto},
};

use crate::corpus::{Tally, folder, installed};

/// Where this parser and CPython's part (file and reason), and why this one is kept.
const DIFFERENCES: [(&str, &str); 14] = [
    (
        "attachment_with_unquoted_name.eml",
        "RFC 2045 5.1 wants the name quoted: without, it ends with the line and not with the first space",
    ),
    ("raw_email_with_nested_attachment.eml", "RFC 9787 4.1: the signature is a layer and no part"),
    ("example13.eml", "RFC 5322 4.5: white space before the colon is obsolete and read"),
    ("issue358.txt", "RFC 5322 3.4: the address in angle brackets is the address"),
    ("malformed/001.eml", "RFC 2046 5.1.1: no delimiter follows, so the last line end is the part's"),
    ("malformed/006.eml", "RFC 2046 5.1.1: no delimiter follows, so the last line end is the part's"),
    ("malformed/008.eml", "RFC 2046 5.1.1: no delimiter follows, so the last line end is the part's"),
    ("malformed/019.eml", "RFC 5322 4.5: white space before the colon is obsolete and read"),
    ("bug505221", "RFC 5322 3.2.3: white space around the dots is no part of an address"),
    (
        "multi-2evil.msg",
        "RFC 2047 5 (3) forbids encoded words in a file name; written all the same, they are decoded",
    ),
    ("twopart.msg", "RFC 2045 6.1: the encoding is one token, whatever follows it"),
    ("ending-boundaries.msg", "RFC 2046 5.1.1: a delimiter is known by the beginning of its line"),
    (
        "missing-inner-boundary.msg",
        "RFC 2046 5.1.1: the line end before a delimiter belongs to the delimiter",
    ),
    ("multipartemptypart.msg", "RFC 2046 5.1.1: a part may be empty, and what follows the end is no part"),
];

/// Where this parser and mime4j part, and why this one is kept.
const MIME4J_DIFFERENCES: [(&str, &str); 14] = [
    ("multipartemptypart.msg", "a left-over file of the corpus: its own tree has one part"),
    ("very-long-boundary.msg", "RFC 2046 5.1.1: a boundary does not end with a space"),
    ("very-very-long-boundary.msg", "RFC 2046 5.1.1: a boundary does not end with a space"),
    (
        "2002_06_12_doublebound.msg",
        "RFC 2046 5.1.1: the line end belongs to one delimiter, so two in a row enclose no part; as CPython",
    ),
    (
        "double-bound.msg",
        "RFC 2046 5.1.1: the line end belongs to one delimiter, so two in a row enclose no part; as CPython",
    ),
    ("badbound.msg", "no part begins, so nothing is hidden as a preamble; as CPython"),
    ("hdr-fakeout.msg", "RFC 5322 2.2: a line of white space is no field, so the body starts; as CPython"),
    ("multi-frag.msg", "RFC 2045 6.8 has no unfinished base64; its last octet is kept"),
    (
        "malformedHeader-nocrlfcrlf.msg",
        "RFC 5322 2.2: a line that is no field starts the body, so that nothing disappears; as CPython",
    ),
    (
        "malformedHeader-noheader.msg",
        "RFC 5322 2.2: a line that is no field starts the body, so that nothing disappears; as CPython",
    ),
    (
        "malformedHeaderStartsBody-nocrlfcrlf.msg",
        "RFC 5322 2.2: a line that is no field starts the body, so that nothing disappears; as CPython",
    ),
    (
        "malformedHeaderStartsBody-noheader.msg",
        "RFC 5322 2.2: a line that is no field starts the body, so that nothing disappears; as CPython",
    ),
    ("missing-boundary.msg", "no part begins, so nothing is hidden as a preamble; as CPython"),
    ("missing-inner-boundary.msg", "no part begins, so nothing is hidden as a preamble; as CPython"),
];

fn opened(bytes: &[u8]) -> Opened {
    let (keyring, trust) = (MemoryKeyring::new(), Trust::default());
    block_on_ready(open(&RustCrypto, &keyring, &[], &trust, bytes, UnixTime(0))).unwrap()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        let other = ["SOURCE.txt", "README.txt", "ARTISTIC-LICENSE.txt"].contains(&name);
        let generated = name.ends_with(".json") || name.ends_with(".xml") || name.ends_with(".out");
        if path.is_dir() {
            files(&path, found);
        } else if !other && !generated && !name.contains("_decoded") {
            found.push(path);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The facts that structure.py prints about a message, as this crate sees them.
fn facts(opened: &Opened) -> Vec<String> {
    let clean = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut facts = Vec::new();
    for part in &opened.parts {
        let digest = hex(&block_on_ready(RustCrypto.digest(Hash::Sha256, &part.data)).unwrap());
        let name = part.name.as_deref().map(clean).filter(|name| !name.is_empty());
        facts.push(format!(
            "PART\t{}\t{}\t{digest}\t{}",
            part.id,
            part.media_type,
            name.as_deref().unwrap_or("-")
        ));
    }
    facts.push(format!("SUBJECT\t{}", clean(&opened.headers.subject)));
    let from: Vec<&str> = opened.headers.from.iter().map(|address| address.email.as_str()).collect();
    facts.push(format!("FROM\t{}", from.join(",")));
    facts
}

/// Whether two lines agree, where a dash or question mark of CPython's leaves a column open.
fn agrees(theirs: &str, ours: &str) -> bool {
    let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.split('\t').collect(), ours.split('\t').collect());
    theirs.len() == ours.len()
        && theirs
            .iter()
            .zip(&ours)
            .enumerate()
            .all(|(column, (a, b))| a == b || *a == "?" || (column == 3 && *a == "-"))
}

/// A file, as it is named within the folder of all corpora.
fn short(path: &Path, corpus: &Path) -> String {
    path.strip_prefix(corpus).unwrap().to_str().unwrap().to_owned()
}

/// The argued cases of one corpus: those of its files that the table names.
fn argued<'a>(names: &[String], table: &[(&'a str, &'a str)]) -> Vec<(String, &'a str)> {
    let reason = |name: &String| {
        let found = table.iter().find(|(file, _)| Path::new(name).ends_with(file));
        found.map(|(_, reason)| (name.clone(), *reason))
    };
    names.iter().filter_map(reason).collect()
}

fn tally(title: &str, names: &[String], table: &[(&str, &str)]) -> Tally {
    let argued = argued(names, table);
    Tally::new(title, &argued.iter().map(|(name, reason)| (name.as_str(), *reason)).collect::<Vec<_>>())
}

fn same_as_cpython(test: &str, corpus: &str, title: &str, expected: usize) {
    if !installed(&["python3"], test) {
        return;
    }
    let Some(folder) = folder(corpus, test) else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let names: Vec<_> = paths.iter().map(|path| short(path, &folder)).collect();
    let mut tally = tally(&format!("{title}, as CPython reads it"), &names, &DIFFERENCES);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/message/structure.py");
    let output = Command::new("python3").arg(script).args(&paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();
    for theirs in output.split("FILE\t").skip(1) {
        let (path, theirs) = theirs.split_once('\n').unwrap();
        let path = Path::new(path);
        tally.case(&short(path, &folder), || {
            let ours = facts(&opened(&fs::read(path).unwrap()));
            let theirs: Vec<&str> = theirs.lines().collect();
            let parts =
                |lines: &mut dyn Iterator<Item = &str>| lines.filter(|line| line.starts_with("PART")).count();
            assert_eq!(parts(&mut ours.iter().map(String::as_str)), parts(&mut theirs.iter().copied()));
            let lost = theirs.iter().find(|line| !ours.iter().any(|own| agrees(line, own)));
            assert!(lost.is_none(), "{lost:?} is not in {ours:?}");
        });
    }
    tally.finish(expected);
}

#[test]
fn cpythons_own_messages_are_read_as_cpython_reads_them() {
    let test = "cpythons_own_messages_are_read_as_cpython_reads_them";
    same_as_cpython(test, "cpython-email", "CPython's messages", 25);
}

#[test]
fn messages_of_other_parsers_are_read_as_cpython_reads_them() {
    for (corpus, title, expected) in [
        ("ruby-mail", "Ruby mail", 57),
        ("mimekit/messages", "MimeKit messages", 20),
        ("jsmime", "jsmime", 8),
        ("mail-parser-eml", "mail-parser", 26),
        ("mime4j", "mime4j", 45),
    ] {
        let test = "messages_of_other_parsers_are_read_as_cpython_reads_them";
        same_as_cpython(test, corpus, title, expected);
    }
}

/// The leaves of a message by their place in mime4j's numbering, messages inside messages included.
fn leaves(bytes: &[u8], place: &str, found: &mut BTreeMap<String, (Vec<u8>, String)>) {
    let opened = opened(bytes);
    let multipart = opened.parts.len() != 1 || opened.parts[0].id != "1" || is_multipart(bytes);
    for part in &opened.parts {
        let place =
            if multipart { format!("{place}_{}", part.id.replace('.', "_")) } else { place.to_owned() };
        if part.media_type == "message/rfc822" {
            leaves(&part.data, &format!("{place}_1"), found);
        } else {
            found.insert(place, (part.data.clone(), part.text()));
        }
    }
}

fn is_multipart(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase().replace("\r\n", "\n");
    let head = text.split("\n\n").next().unwrap().replace('\t', " ").replace("\n ", " ");
    head.lines().any(|line| {
        line.strip_prefix("content-type:").is_some_and(|value| value.trim_start().starts_with("multipart/"))
    })
}

#[test]
fn mime4js_messages_are_decoded_as_mime4j_decodes_them() {
    const TEST: &str = "mime4js_messages_are_decoded_as_mime4j_decodes_them";
    let Some(corpus) = folder("mime4j", TEST) else { return };
    let mut paths = Vec::new();
    files(&corpus, &mut paths);
    let unix = |bytes: &[u8]| bytes.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "msg"));
    let names: Vec<_> = paths.iter().map(|path| short(path, &corpus)).collect();
    let mut tally = tally("mime4j, as mime4j decodes it", &names, &MIME4J_DIFFERENCES);
    for path in &paths {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let mut ours = BTreeMap::new();
        leaves(&fs::read(path).unwrap(), "1", &mut ours);
        let mut theirs = BTreeMap::new();
        for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let place =
                name.strip_prefix(&format!("{stem}_decoded_")).and_then(|rest| rest.split('.').next());
            if let Some(place) = place {
                theirs.insert(place.to_owned(), fs::read(path.with_file_name(&name)).unwrap());
            }
        }
        let same = |place: &String, body: &[u8]| {
            ours.get(place)
                .is_some_and(|(data, text)| unix(data) == unix(body) || unix(text.as_bytes()) == unix(body))
        };
        tally.case(&short(path, &corpus), || {
            assert_eq!(ours.len(), theirs.len(), "{:?} {:?}", ours.keys(), theirs.keys());
            for (place, body) in &theirs {
                assert!(same(place, body), "{place}");
            }
        });
    }
    tally.finish(45);
}
