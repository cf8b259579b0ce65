//! Messages of other programs, on any provider and keyring: native ones and a browser's.

use smime::message::{Layer, Opened, SignerReport, open};
use smime::suite::KeyringFactory;
use smime::{Certificate, DecryptionKey, KeyId, Provider, Trust, UnixTime, pkcs12};

use crate::Tally;

/// The files of the corpora, by their path below the folder of all of them.
#[allow(async_fn_in_trait, reason = "a browser's futures are not Send, and native ones need no bound")]
pub trait Files {
    async fn read(&self, path: &str) -> Vec<u8>;
}

/// The keys of PKCS#12 files whose password is `nss`, in one keyring.
async fn reader<F: KeyringFactory>(
    files: &impl Files,
    factory: &F,
    paths: &[&str],
) -> (F::Keyring, Vec<DecryptionKey>) {
    let (mut keys, mut readers) = (Vec::new(), Vec::new());
    for path in paths {
        let contents = pkcs12::open(&files.read(path).await, "nss").unwrap();
        for key in contents.keys {
            let id = KeyId::new(format!("key {}", keys.len()));
            let certificate = contents.certificates[key.certificate.unwrap()].clone();
            readers.push(DecryptionKey { key: id.clone(), certificate });
            keys.push((id, key.pkcs8));
        }
    }
    let keys: Vec<(KeyId, &[u8])> = keys.iter().map(|(id, pkcs8)| (id.clone(), pkcs8.as_slice())).collect();
    (factory.keyring(&keys).await, readers)
}

const NSS: [&str; 8] = [
    "fran-ec_ossl-aes128-sha1.env",
    "fran-ec_ossl-aes128-sha256.env",
    "fran-ec_ossl-aes256-sha512.env",
    "fran-oaep-sha256hash-sha256mgf_ossl.env",
    "fran-oaep-sha256mgf_ossl.env",
    "fran-oaep-sha384hash_ossl.env",
    "fran-oaep-sha512mgf_ossl.env",
    "fran-oaep_ossl.env",
];

/// What NSS tests exchange with OpenSSL, except the cases that are argued.
pub async fn nss(
    files: &impl Files,
    provider: &impl Provider,
    factory: &impl KeyringFactory,
    argued: &[(&str, &str)],
) {
    let path = |name: &str| format!("nss-interop-openssl/{name}");
    let plaintext = files.read(&path("plaintext-alice.txt")).await;
    let (keyring, readers) = reader(files, factory, &[&path("Fran.p12"), &path("Fran-ec.p12")]).await;
    let mut tally = Tally::new("NSS, interoperability with OpenSSL", argued);
    for name in NSS {
        let opened = smime::decrypt(provider, &keyring, &readers, &files.read(&path(name)).await).await;
        let outcome = opened.map_err(|error| error.to_string()).and_then(|opened| {
            let unix = String::from_utf8_lossy(&opened.content).replace("\r\n", "\n");
            // One of the messages was made from another text.
            let other = "This is a test message to Fran.\n";
            if unix.as_bytes() == plaintext || unix == other { Ok(()) } else { Err(unix) }
        });
        tally.judge(name, outcome);
    }
    tally.finish(8);
}

/// 2026-06-01T00:00:00Z.
const JUNE_2026: UnixTime = UnixTime(1_780_272_000);

/// Thunderbird's messages, and its verdicts.
pub async fn thunderbird(files: &impl Files, provider: &impl Provider, factory: &impl KeyringFactory) {
    let path = |name: &str| format!("thunderbird-smime/{name}");
    let (keyring, readers) = reader(files, factory, &[&path("Alice.p12"), &path("Bob.p12")]).await;
    let root = String::from_utf8(files.read(&path("TestCA.pem")).await).unwrap();
    let trust = Trust { anchors: vec![Certificate::from_pem(&root).unwrap()], ..Trust::default() };
    let table = String::from_utf8(files.read(&path("expected.tsv")).await).unwrap();
    let mut tally = Tally::new("Thunderbird", &[]);
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let message = files.read(&path(columns[0])).await;
        let opened = open(provider, &keyring, &readers, &trust, &message, JUNE_2026).await;
        tally.case(columns[0], || agrees_with_thunderbird(&opened.unwrap(), &columns));
    }
    tally.finish(17);
}

fn agrees_with_thunderbird(opened: &Opened, columns: &[&str]) {
    let encrypted = opened.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { .. }));
    // Thunderbird does not look at a signature that lies outside of the encryption.
    let outside = |signer: &SignerReport| {
        signer.reason.as_ref().is_some_and(|reason| reason.code() == "outside-encryption")
    };
    let good = opened.signers.iter().any(|signer| signer.valid);
    assert_eq!(encrypted, columns[1] == "true");
    assert_eq!(good, columns[3] == "true", "{:?}", opened.signers);
    if columns[2] == "true" {
        assert!(!opened.signers.is_empty() && !opened.signers.iter().any(outside));
    } else {
        assert!(!good);
    }
    if columns[4].contains("gTextAliceBob") {
        let text = opened.text().unwrap_or_default() + &opened.html().unwrap_or_default();
        assert!(text.contains("This is a test message from Alice to Bob"), "{text}");
    }
}

/// The octets of the first PEM block in a text.
fn pem(text: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body: String = lines.take_while(|line| !line.starts_with("-----END")).map(str::trim).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

/// The examples of ML-DSA and ML-KEM in CMS (RFC 9882, 9936).
pub async fn post_quantum(files: &impl Files, provider: &impl Provider, factory: &impl KeyringFactory) {
    let mut tally = Tally::new("RFC 9882 and 9936, messages", &[]);
    let root = files.read("rfc9881-ml-dsa-certs/ML-DSA-44.crt").await;
    let root = Certificate::from_der(&pem(&root)).unwrap();
    let trust = Trust { anchors: vec![root], ..Trust::default() };
    let signed = pem(&files.read("rfc9882-cms-ml-dsa/mldsa44-signed-attrs.pem").await);
    let verified = smime::verify(provider, &signed, None, &trust, JUNE_2026).await;
    tally.case("mldsa44-signed-attrs.pem", || {
        let verified = verified.unwrap();
        assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()), "{:?}", verified.signers);
        assert_eq!(verified.signers.len(), 1);
    });
    let sealed = pem(&files.read("rfc9936-cms-ml-kem/ML-KEM-512.cms").await);
    let certificate = files.read("rfc9936-cms-ml-kem/ML-KEM-512.pem").await;
    let certificate = Certificate::from_der(&pem(&certificate)).unwrap();
    let plaintext = files.read("rfc9936-cms-ml-kem/plaintext.txt").await;
    for form in ["seed", "expanded", "both"] {
        let name = format!("ML-KEM-512-{form}.priv");
        let pkcs8 = pem(&files.read(&format!("rfc9936-cms-ml-kem/{name}")).await);
        let keyring = factory.keyring(&[(KeyId::new("key"), &pkcs8)]).await;
        let readers = [DecryptionKey { key: KeyId::new("key"), certificate: certificate.clone() }];
        let opened = smime::decrypt(provider, &keyring, &readers, &sealed).await;
        tally.case(&name, || {
            assert_eq!(opened.unwrap().content.trim_ascii_end(), plaintext.trim_ascii_end());
        });
    }
    tally.finish(4);
}
