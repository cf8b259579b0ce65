//! Whatever is sealed opens to the same: random letters, and every message of the corpora.

use std::{fs, path::Path};

use smime::{
    ContentEncryption, block_on_ready,
    message::{
        Address, Attachment, ComposeError, Draft, HeaderPolicy, Protection, SealError, SealOptions, Status,
        compose, seal_message,
    },
    rustcrypto::RustCrypto,
};

use crate::{
    corpus::folder,
    people::{NOW, World, rng},
};

/// xorshift: the same letters every time.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % below.max(1)
    }

    fn text(&mut self, most: usize) -> String {
        let pieces = [
            "a",
            "B",
            " ",
            "  ",
            "\t",
            "=",
            "=?utf-8?q?x?=",
            "?=",
            "\"",
            "\\",
            "<",
            ">",
            ",",
            ";",
            ":",
            "(",
            ")",
            "@",
            ".",
            "From ",
            "é",
            "林",
            "🎉",
            "%",
            "'",
            "*",
            "_",
            "--=_sealpost_0000--",
            "long-word-without-any-space",
            "\u{feff}",
            "&",
            "&amp;",
        ];
        (0..self.next(most + 1)).map(|_| pieces[self.next(pieces.len())]).collect()
    }

    fn lines(&mut self) -> String {
        let lines: Vec<String> = (0..self.next(8)).map(|_| self.text(40)).collect();
        lines.join(["\n", "\r\n"][self.next(2)])
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = [0, 1, 2, 3, 56, 57, 58, 5000][self.next(8)];
        (0..length).map(|_| self.next(256) as u8).collect()
    }

    fn address(&mut self, at: usize) -> Address {
        let email = format!("p{at}.{}+x@sub-{at}.example", self.next(1000));
        let name = self.text(12).split_whitespace().collect::<Vec<_>>().join(" ");
        Address { name: Some(name).filter(|name| !name.is_empty()), email }
    }

    fn draft(&mut self) -> Draft {
        let attachments = (0..self.next(4)).map(|index| Attachment {
            name: format!("n{}", self.text(60).split_whitespace().collect::<Vec<_>>().join(" ")),
            media_type: ["text/plain", "application/pdf", "nonsense"][self.next(3)].to_owned(),
            content_id: (self.next(2) == 0).then(|| format!("c{index}@x")),
            data: self.bytes(),
        });
        let attachments = attachments.collect();
        Draft {
            from: Address { name: self.address(0).name, email: "alice@a.example".to_owned() },
            to: (0..self.next(4)).map(|at| self.address(at)).collect(),
            cc: (0..self.next(3)).map(|at| self.address(at + 10)).collect(),
            bcc: vec![Address::new("hidden@h.example")],
            subject: self.text(80),
            date: NOW,
            message_id: format!("{}@a.example", self.next(1_000_000)),
            in_reply_to: (0..self.next(2)).map(|_| "x@y".to_owned()).collect(),
            references: (0..self.next(30)).map(|at| format!("{at}@y")).collect(),
            text: self.lines(),
            html: (self.next(2) == 0).then(|| format!("<html><body>{}</body></html>", self.lines())),
            attachments,
        }
    }
}

fn one_space(text: &str) -> String {
    text.replace('\t', " ").trim().to_owned()
}

#[test]
fn random_letters_open_to_what_was_sealed() {
    let (world, mut random) = (World::new(), Random(0x9e37_79b9_7f4a_7c15));
    for round in 0..400 {
        let draft = random.draft();
        let options = SealOptions {
            cipher: [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc][random.next(2)],
            header_policy: [HeaderPolicy::Baseline, HeaderPolicy::Shy][random.next(2)],
            legacy_display: random.next(2) == 0,
            ..SealOptions::default()
        };
        let protection = Protection::default();
        assert_eq!(compose(draft.clone(), &protection), compose(&draft, &protection), "{round}: {draft:?}");
        let sealed = world.seal(&draft, Some("alice"), &options);
        let lines = String::from_utf8(sealed.clone()).unwrap();
        assert!(lines.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "{round}");
        let opened = world.open(&sealed);
        assert_eq!(opened.status, Status::Confidential, "{round}: {draft:?}");
        assert_eq!(opened.headers.subject, one_space(&draft.subject), "{round}");
        assert_eq!((&opened.headers.to, &opened.headers.cc), (&draft.to, &draft.cc), "{round}");
        // The name is the certificate's.
        assert_eq!(opened.headers.from[0].email, draft.from.email, "{round}");
        assert_eq!(opened.headers.references, draft.references);
        let unix = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
        assert_eq!(unix(&opened.text().unwrap()), unix(&draft.text), "{round}: {draft:?}");
        assert_eq!(opened.html().as_deref().map(unix), draft.html.as_deref().map(unix), "{round}");
        let mut files: Vec<_> =
            opened.attachments().map(|part| (part.name.clone().unwrap(), &part.data)).collect();
        let mut sent: Vec<_> = draft.attachments.iter().map(|file| (file.name.clone(), &file.data)).collect();
        files.sort();
        sent.sort();
        let names =
            |list: &[(String, &Vec<u8>)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&files), names(&sent), "{round}");
        assert!(files == sent, "{round}");
    }
}

pub fn messages(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            messages(&path, found);
        } else if path
            .extension()
            .is_none_or(|extension| ["eml", "msg", "txt"].iter().any(|known| extension == *known))
        {
            found.push(fs::read(path).unwrap());
        }
    }
}

#[test]
fn every_message_of_the_corpora_survives_sealing() {
    const TEST: &str = "every_message_of_the_corpora_survives_sealing";
    let (world, mut found) = (World::new(), Vec::new());
    for corpus in ["cpython-email", "ruby-mail", "mimekit/messages", "jsmime", "mail-parser-eml", "mime4j"] {
        let Some(folder) = folder(corpus, TEST) else { return };
        messages(&folder, &mut found);
    }
    let (recipients, mut sealed_ones) = ([world.person("bob").encryption.clone()], 0);
    for original in &found {
        let sealed = block_on_ready(seal_message(
            &RustCrypto,
            &world.keyring,
            &mut rng(),
            original,
            None,
            NOW,
            &recipients,
            &SealOptions::default(),
            async |_: &[u8]| None,
        ));
        let sealed = match sealed {
            Err(SealError::Compose(ComposeError::AlreadyProtected)) => continue,
            sealed => sealed.unwrap(),
        };
        let (before, after) = (world.open(original), world.open(&sealed));
        assert_eq!(after.status, Status::EncryptedUnverified);
        let unix = |data: &[u8]| data.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>();
        let leaves = |opened: &smime::message::Opened| {
            let parts = opened.parts.iter();
            parts
                .map(|part| (part.id.clone(), part.media_type.clone(), part.name.clone(), unix(&part.data)))
                .collect::<Vec<_>>()
        };
        assert_eq!(leaves(&before), leaves(&after), "{}", String::from_utf8_lossy(original));
        assert_eq!(one_space(&before.headers.subject), after.headers.subject);
        sealed_ones += 1;
    }
    assert!(sealed_ones > 150, "{sealed_ones}");
}
