//! First inputs: made here with the world's keys, and taken from the public corpora where they are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use smime::ess::{
    Classification, ReceiptRequest, ReceiptsFrom, SecurityCategory, SecurityLabel, sign_receipt,
};
use smime::issue::Usage;
use smime::message::{Address, Draft, SealOptions, seal, seal_at_door, sign_clear};
use smime::rustcrypto::RustCrypto;
use smime::{
    Certificate, ContentEncryption, Hash, Provider, SignOptions, SignedForm, block_on_ready as ready, pkcs12,
    request, timestamp,
};

use crate::MARK;
use crate::rng::Fixed;
use crate::world::{ALICE, ENTITY, NOW, TEXT, World, world};

/// All that Alice ever signed as CMS.
pub const SIGNED: [&[u8]; 1] = [ENTITY];
/// What the timestamp covers.
pub const STAMPED: &[u8] = b"stamped";
/// The nonce of the request for it.
pub const NONCE: u64 = 77;
/// The password of the PKCS#12 files.
pub const PASSWORD: &str = "password";

/// A name and its bytes.
pub type Seed = (String, Vec<u8>);

/// The digest of [`STAMPED`].
pub fn stamped_digest() -> Vec<u8> {
    ready(RustCrypto.digest(Hash::Sha256, STAMPED)).expect("a digest")
}

/// Whether something was sealed to Bob, as CMS.
pub fn is_sealed_content(content: &[u8]) -> bool {
    static CONTENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let contents = CONTENTS.get_or_init(|| vec![ENTITY.to_vec(), signed(world(), SignedForm::Opaque)]);
    contents.iter().any(|known| known == content)
}

fn signed(world: &World, form: SignedForm) -> Vec<u8> {
    ready(smime::sign(&RustCrypto, &world.keyring, &world.alice, ENTITY, form, NOW))
        .expect("a signature")
        .to_der()
}

fn stamp(world: &World, stamped: &[u8], nonce: u64) -> Vec<u8> {
    let digest = ready(RustCrypto.digest(Hash::Sha256, stamped)).expect("a digest");
    let query = timestamp::request(Hash::Sha256, &digest, nonce);
    ready(world.authority.respond(&RustCrypto, &world.keyring, &query, 5, NOW)).expect("an answer")
}

fn token(world: &World, stamped: &[u8], nonce: u64) -> Vec<u8> {
    let (answer, digest) =
        (stamp(world, stamped, nonce), ready(RustCrypto.digest(Hash::Sha256, stamped)).expect("a digest"));
    let token = timestamp::check_response(&RustCrypto, &answer, &digest, nonce, &world.trust, NOW);
    ready(token).expect("a token").der().to_vec()
}

fn sealed(world: &World, content: &[u8], cipher: ContentEncryption) -> Vec<u8> {
    ready(smime::encrypt(&RustCrypto, &mut Fixed(9), content, &world.bobs(), cipher)).expect("a ciphertext")
}

fn seed(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

/// The first inputs of a target.
pub fn of(target: &str) -> Vec<Seed> {
    let world = world();
    match target {
        "ber" | "cms" => cms(world),
        "certificate" => certificates(world),
        "path" => paths(world),
        "message" | "door" | "outer" => messages(world),
        "timestamp" => vec![
            seed("request", timestamp::request(Hash::Sha256, &stamped_digest(), NONCE)),
            seed("answer", stamp(world, STAMPED, NONCE)),
            seed("token", token(world, STAMPED, NONCE)),
        ],
        "revocation" => kept("revocation"),
        "ess" => services(world),
        "evidence" => {
            let opaque = seed("opaque", opaque());
            [kept("revocation"), vec![opaque]].concat()
        }
        "pkcs8" => kept("pkcs8"),
        "pkcs12" => {
            let key = world.keyring.pkcs8(&world.alice.key).expect("a key");
            let file = pkcs12::create(&mut Fixed(4), &key, &world.alice.chain, "Alice", PASSWORD);
            [kept("pkcs12"), vec![seed("written", file.expect("a file"))]].concat()
        }
        _ => written(target),
    }
}

fn cms(world: &World) -> Vec<Seed> {
    let (opaque, detached) = (signed(world, SignedForm::Opaque), signed(world, SignedForm::Detached));
    let signer = smime::sign(&RustCrypto, &world.keyring, &world.alice, ENTITY, SignedForm::Opaque, NOW);
    let mut stamped = ready(signer).expect("a signature");
    let token = token(world, stamped.signature(), 1);
    stamped.attach_timestamp(&token).expect("a token");
    vec![
        seed("detached", [&detached, MARK, ENTITY].concat()),
        seed("stamped", stamped.to_der()),
        seed("gcm", sealed(world, ENTITY, ContentEncryption::Aes256Gcm)),
        seed("cbc", sealed(world, ENTITY, ContentEncryption::Aes256Cbc)),
        seed("sealed-signed", sealed(world, &opaque, ContentEncryption::Aes256Gcm)),
        seed("streamed", streamed()),
        seed("opaque", opaque),
    ]
}

/// Alice's signature over [`ENTITY`].
pub fn opaque() -> &'static [u8] {
    static OPAQUE: OnceLock<Vec<u8>> = OnceLock::new();
    OPAQUE.get_or_init(|| signed(world(), SignedForm::Opaque))
}

/// A label and a request for a receipt, and the receipt.
fn services(world: &World) -> Vec<Seed> {
    let (keyring, alice) = (&world.keyring, &world.alice);
    let label = SecurityLabel {
        policy: "1.2.156.1".parse().expect("an identifier"),
        classification: Some(Classification::SECRET),
        privacy_mark: Some("秘密".into()),
        categories: vec![SecurityCategory {
            kind: "1.2.3.9".parse().expect("an identifier"),
            value: vec![5, 0],
        }],
    };
    let request = |from| ReceiptRequest { content_identifier: b"1".to_vec(), from, to: vec![ALICE.into()] };
    let asking = |from| SignOptions {
        label: Some(label.clone()),
        receipt_request: Some(request(from)),
        ..SignOptions::default()
    };
    let form = SignedForm::Opaque;
    let sign = |options: &SignOptions| {
        let signed = smime::sign_with(&RustCrypto, keyring, alice, ENTITY, form, NOW, options);
        ready(signed).expect("a signature").to_der()
    };
    let (all, some) =
        (sign(&asking(ReceiptsFrom::All)), sign(&asking(ReceiptsFrom::List(vec![ALICE.into()]))));
    let verified = ready(smime::verify(&RustCrypto, &all, None, &world.trust, NOW)).expect("a message");
    let asked = verified.requested_receipt().expect("a request");
    let receipt = ready(sign_receipt(&RustCrypto, keyring, alice, asked, NOW)).expect("a receipt").to_der();
    vec![seed("receipt", receipt), seed("list", some), seed("all", all.clone())]
}

/// Indefinite lengths, and an octet string in segments (X.690 8.7.3).
fn streamed() -> Vec<u8> {
    let mut ber = vec![0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3, 0xa0, 0x80, 0x30, 0x80];
    ber.extend([2, 1, 0, 0x31, 0, 0x30, 0x80, 6, 1, 0x2a, 0x30, 0, 0xa0, 0x80, 4, 2, 7, 8, 0x24, 3, 4, 1, 9]);
    ber.extend([0; 12]);
    ber
}

fn all_certificates(world: &World) -> Vec<Certificate> {
    let mut all = world.alice.chain.clone();
    all.extend(world.bobs());
    all.extend(world.authority.signer.chain.clone());
    all.push(world.root.certificate.clone());
    all
}

fn certificates(world: &World) -> Vec<Seed> {
    let (key, spki) = (&world.alice.key, world.alices().spki());
    let asked = request::create(&world.keyring, key, spki, ALICE, "Alice", Usage::Signing);
    let all = all_certificates(world);
    let mut seeds: Vec<Seed> =
        (0..).zip(&all).map(|(number, one)| seed(&format!("certificate-{number}"), one.der())).collect();
    seeds.push(seed("request", ready(asked).expect("a request")));
    seeds.push(seed("pem", all.iter().map(Certificate::to_pem).collect::<String>()));
    seeds
}

fn paths(world: &World) -> Vec<Seed> {
    let all = all_certificates(world);
    let bag: Vec<&[u8]> = all.iter().map(Certificate::der).collect();
    vec![
        seed("bag", [&[0], &*bag.join(MARK)].concat()),
        seed("required", [&[37], &*bag[..2].join(MARK)].concat()),
    ]
}

fn draft() -> Draft {
    Draft {
        from: Address::named("Alice", ALICE),
        to: vec![Address::named("Bob 陈博", "bob@b.example")],
        subject: "About us 关于我们".into(),
        date: NOW,
        message_id: "1@a.example".into(),
        text: TEXT.into(),
        ..Draft::default()
    }
}

fn messages(world: &World) -> Vec<Seed> {
    let (draft, mut rng) = (draft(), Fixed(5));
    let clear =
        ready(sign_clear(&RustCrypto, &world.keyring, &draft, &world.alice, async |signature: &[u8]| {
            Some(token(world, signature, 2))
        }));
    let clear = clear.expect("a letter");
    let door =
        seal_at_door(&RustCrypto, &mut rng, &clear, &world.bob[0].certificate, Some("a.example; spf=pass"));
    let mut seeds = vec![seed("door", ready(door).expect("a wrapper")), seed("clear", clear)];
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
        for legacy_display in [false, true] {
            let options = SealOptions { cipher, legacy_display, ..SealOptions::default() };
            let (bobs, alice) = (world.bobs(), Some(&world.alice));
            let letter = seal(
                &RustCrypto,
                &world.keyring,
                &mut rng,
                &draft,
                alice,
                &bobs,
                &options,
                async |_: &[u8]| None,
            );
            seeds
                .push(seed(&format!("sealed-{cipher:?}-{legacy_display}"), ready(letter).expect("a letter")));
        }
    }
    let head =
        "From: alice@a.example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nContent-Type: ";
    let opaque = base64::engine::general_purpose::STANDARD.encode(signed(world, SignedForm::Opaque));
    let kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m";
    seeds.push(seed("opaque", format!("{head}{kind}\r\n\r\n{opaque}\r\n")));
    seeds.extend(
        (0..)
            .zip(MESSAGES)
            .map(|(number, text)| seed(&format!("written-{number}"), text.replace('\n', "\r\n"))),
    );
    seeds
}

const MESSAGES: [&str; 4] = [
    "From: \"A, B\" <a@b.example>, c: d@e.example;\nTo: =?gb2312?B?xOM=?= <a@b>\nSubject: =?utf-8?q?=e4=bd=a0?=\nDate: Thu, 1 Jan 2026 00:00:00 +0800\nMessage-ID: <1@b>\nReferences: <2@b> <3@b>\nContent-Type: multipart/mixed; boundary=\"b\"\n\npreamble\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain; charset=iso-2022-jp; format=flowed\nContent-Transfer-Encoding: quoted-printable\n\n=1B$B=\n\n--c\nContent-Type: text/html; charset=utf-8; hp-legacy-display=1\n\n<div class=header-protection-legacy-display>x</div>\n--c--\n--b\nContent-Type: application/pdf; name*0*=utf-8''%e4%bd; name*1*=%a0.pdf\nContent-Disposition: attachment; filename=\"=?utf-8?b?eA==?=\"\nContent-ID: <x@y>\nContent-Transfer-Encoding: base64\n\nMIIB\n--b--\nepilogue\n",
    "Content-Type: message/rfc822; sealpost-door=clear\n\nFrom: x@y.example\nBcc: z@y.example,\n folded@y.example\n\nHi\n",
    "Content-Type: text/plain; hp=\"cipher\"; protected-headers=v1\nHP-Outer: Subject: [...]\nSubject: x\nSender: s@s.example\nReply-To: r@r.example\n\nbegin 644 x\n#86)C\n`\nend\n",
    "Content-Type: multipart/digest; boundary=\"----=_b\"\nContent-Transfer-Encoding: 8bit\n\n------=_b\n\nSubject: inner\n\n\u{4f60}\n------=_b--\n",
];

fn written(target: &str) -> Vec<Seed> {
    let texts: &[&str] = match target {
        "html" => &[
            "<p style=\"color:red;background:url(http://x/y)\">Hi <a href=https://a.example>a</a><img src=cid:c@x><img src=http://x></p>",
            "<table><tr><td><script>x</script><svg><style><a title=\"</style><img src onerror=x>\"></svg></table>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=x&gt;\">",
            "<b><i><p><b x=1><p>x<ul><li>1<li>2</ul><pre>\n\n x</pre>&amp;&#x4f60;&nbsp;<br>",
            "<form><math><mtext></form><form><mglyph><style></math><img src onerror=x>",
            "<style>@import 'x'</style><div style='width:e\\78pression(x);behavior:url(#x)'><a href='jav&#x09;ascript:x'>",
        ],
        "report" => &[
            "From: d@c.example\r\nContent-Type: multipart/report; boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; c.example\r\nOriginal-Envelope-Id: s1\r\n\r\nOriginal-Recipient: rfc822; a@b.example\r\nFinal-Recipient: rfc822; b@c.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n no\r\n--B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@b.example>\r\n--B--\r\n",
            "From: b@c.example\r\nContent-Type: multipart/report; boundary=B\r\n\r\n--B\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; b@c.example\r\nOriginal-Message-ID: <1@b.example>\r\nDisposition: manual-action/MDN-sent-manually; displayed/error\r\n--B--\r\n",
        ],
        "smtp" => &[
            "EHLO c.example\r\nMAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<alice@sealpost.example>\r\nDATA\r\nFrom: a@b.example\r\nSubject: x\r\n\r\n..x\r\n.\r\nQUIT\r\n",
            "EHLO c\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<bob@sealpost.example>\r\nRCPT TO:<registry@sealpost.example> NOTIFY=NEVER\r\nBDAT 6\r\nFrom: BDAT 0\r\nBDAT 8 LAST\r\na@b\r\n\r\nxRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\nQUIT\r\n",
            "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@sealpost.example>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\nEXPN x\r\nAUTH PLAIN AA==\r\nSTARTTLS\r\nNOOP\nQUIT\r\n",
            "EHLO [127.0.0.1]\r\nMAIL FROM:<a@b>\r\nRCPT TO:<alice@sealpost.example>\r\nDATA\r\nx\n.\nMAIL FROM:<c@d>\r\n.\r\n",
            "LHLO c\r\nPROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nEHLO c\r\nMAIL FROM:<a@b> RET=HDRS ENVID=x REQUIRETLS\r\n",
        ],
        "jmap" => &JMAP,
        "config" => &[
            "listen = '0.0.0.0:8080'\nsmtp_listen = '[::]:25'\ndomain = 'a.example'\nsmarthost = 'mx.a.example:587'\nlog = 'info,sealpost=debug'\nmax_message_size = 1000\n",
            "public_url = 'https://mail.a.example/'\nframe_ancestors = ['https://portal.a.example', 'http://localhost:1']\ntrust_anchors = ['a.pem']\ndemo = true\nprivate_exchangers = true\nhost = 'mx'\nweb_root = \"d\"\ndata = '''x'''\n",
            "smarthost = '[2001:db8::1]:25'\n",
        ],
        _ => &[],
    };
    (0..).zip(texts).map(|(number, text)| seed(&format!("written-{number}"), *text)).collect()
}

/// `@` stands for the account.
const JMAP: [&str; 8] = [
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Email/query",{"accountId":"@","filter":{"operator":"AND","conditions":[{"inMailbox":"m1"},{"hasKeyword":"$seen"},{"before":"2026-01-01T00:00:00Z","minSize":1}]},"sort":[{"property":"receivedAt","isAscending":false}],"limit":10,"calculateTotal":true},"a"],["Email/get",{"accountId":"@","#ids":{"resultOf":"a","name":"Email/query","path":"/ids"},"properties":["id","header:From:asAddresses:all"]},"b"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Mailbox/get",{"accountId":"@","ids":null},"a"],["Mailbox/query",{"accountId":"@","filter":{"role":"inbox"},"sort":[{"property":"name"}]},"b"],["Thread/get",{"accountId":"@","#ids":{"resultOf":"a","name":"Mailbox/get","path":"/list/*/id"}},"c"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Mailbox/set",{"accountId":"@","ifInState":null,"create":{"k":{"name":"New","parentId":null,"isSubscribed":true},"l":{"name":"Below","parentId":"#k"}},"update":{"m1":{"name":"x"}},"destroy":["#k"],"onDestroyRemoveEmails":true},"a"],["Mailbox/changes",{"accountId":"@","sinceState":"0","maxChanges":5},"b"],["Email/changes",{"accountId":"@","sinceState":"0"},"c"]],"createdIds":{"k":"m1"}}"##,
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Email/set",{"accountId":"@","update":{"e1":{"keywords/$seen":true,"mailboxIds/m1":null,"mailboxIds":{"m1":true}}},"destroy":["e1"]},"a"],["Email/import",{"accountId":"@","emails":{"k":{"blobId":"b1","mailboxIds":{"m1":true},"keywords":{"$draft":true},"receivedAt":"2026-01-01T00:00:00Z"}}},"b"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail","urn:ietf:params:jmap:submission"],"methodCalls":[["Identity/get",{"accountId":"@","ids":null},"a"],["EmailSubmission/set",{"accountId":"@","create":{"k":{"identityId":"self","emailId":"e1","envelope":{"mailFrom":{"email":"a@a","parameters":null},"rcptTo":[{"email":"b@b"}]}}},"onSuccessDestroyEmail":["#k"],"onSuccessUpdateEmail":{"#k":{"keywords/$draft":null}}},"b"],["EmailSubmission/get",{"accountId":"@","ids":["s1"]},"c"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":{"b~1c":[1,2.5e3,null]}},"a"],["Core/echo",{"#x":{"resultOf":"a","name":"Core/echo","path":"/a/b~1c/0"}},"b"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core","https://sealpost.dev/ns/jmap/sealed"],"methodCalls":[["Certificate/lookup",{"accountId":"@","addresses":["bob@sealpost.example"]},"a"],["Vault/get",{"accountId":"@"},"b"],["Vault/set",{"accountId":"@","ifInState":"0","blob":"AA=="},"c"],["Enrolment/get",{"accountId":"@"},"d"]]}"##,
    r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Email/query",{"accountId":"@","filter":{"operator":"NOT","conditions":[{"text":"x"}]},"anchor":"e1","anchorOffset":-1,"position":-5,"collapseThreads":true},"a"],["Email/queryChanges",{"accountId":"@","sinceQueryState":"0"},"b"],["Mailbox/queryChanges",{"accountId":"@","sinceQueryState":"0"},"c"],["Thread/changes",{"accountId":"@","sinceState":"0"},"d"],["SearchSnippet/get",{"accountId":"@","emailIds":["e1"]},"e"]]}"##,
];

/// What lies beside this file, because another program made it.
fn kept(folder: &str) -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(folder);
    let mut seeds = Vec::new();
    gather(&folder, &mut seeds).expect("the seeds are part of the source");
    seeds
}

/// Public corpora that help a target, and how large a file of them may be.
const CORPORA: &[(&str, &[&str])] = &[
    ("ber", &["openssl-cms", "rfc4134", "nss-interop-openssl"]),
    (
        "cms",
        &[
            "openssl-cms",
            "rfc4134",
            "nss-interop-openssl",
            "rustcrypto-cms",
            "rfc9882-cms-ml-dsa",
            "rfc9936-cms-ml-kem",
        ],
    ),
    ("certificate", &["pkits-4.1-4.8", "rfc4134", "rfc9881-ml-dsa-certs", "zlint-smime-br"]),
    (
        "message",
        &["rfc9788", "thunderbird-smime", "protected-headers-v1", "cpython-email", "jsmime", "mime4j"],
    ),
    ("door", &["cpython-email", "jsmime", "mime4j", "ruby-mail"]),
    ("outer", &["cpython-email", "jsmime", "ruby-mail"]),
    ("report", &["cpython-email", "ruby-mail"]),
    ("html", &["html5sec", "bleach"]),
    ("pkcs12", &["rfc9216", "nss-interop-openssl"]),
    ("timestamp", &["rfc3161"]),
    ("ess", &["rfc4134"]),
    ("evidence", &["rfc4134"]),
];
const LARGEST: usize = 16 * 1024;
const MOST: usize = 300;

/// The files of the corpora that fit; none where the corpora are not.
pub fn of_corpora(target: &str, vectors: &Path) -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (_, corpora) in CORPORA.iter().filter(|(name, _)| *name == target) {
        for corpus in *corpora {
            let folder = vectors.join(corpus);
            if folder.is_dir() {
                gather(&folder, &mut seeds)?;
            }
        }
    }
    seeds.retain(|(name, bytes)| bytes.len() <= LARGEST && !name.starts_with("SOURCE-txt"));
    // The same ones each time, from all over the corpora.
    seeds.sort();
    let step = seeds.len().div_ceil(MOST).max(1);
    Ok(seeds.into_iter().step_by(step).map(|(name, bytes)| (name, binary(bytes))).collect())
}

/// The octets that a PEM file stands for; what is none stays as it is.
fn binary(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, rest)) = text.split_once("-----BEGIN ") else { return bytes };
    let Some((_, rest)) = rest.split_once("-----\n") else { return bytes };
    let body: String = rest.split("-----END").next().unwrap_or_default().split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap_or(bytes)
}

fn gather(folder: &Path, seeds: &mut Vec<Seed>) -> io::Result<()> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(&path, seeds)?;
        } else {
            let name = path
                .components()
                .rev()
                .take(2)
                .map(|part| part.as_os_str().to_string_lossy().replace('.', "-"));
            seeds.push((name.collect::<Vec<_>>().join("-of-"), fs::read(&path)?));
        }
    }
    Ok(())
}
