//! RFC 3161 responses of real authorities.

use smime::rustcrypto::RustCrypto;
use smime::timestamp::{self, TimestampError, Token};
use smime::{Certificate, Provider, Trust, UnixTime, block_on_ready as ready};

use crate::support::corpus::{Tally, folder};

/// 2026-06-01: after every sample, and after the end of some authorities' certificates.
const NOW: UnixTime = UnixTime(1_780_272_000);

fn trust(pem: &str) -> Trust {
    let all = Certificate::all_from_pem(pem).unwrap();
    let (anchors, intermediates) = all.into_iter().partition(Certificate::is_self_issued);
    Trust { timestamp_anchors: anchors, intermediates, ..Trust::default() }
}

/// Checks a response against its request's digest and nonce.
fn check(request: &[u8], response: &[u8], trust: &Trust) -> Result<Token, TimestampError> {
    let request = timestamp::parse_request(request).unwrap();
    let nonce = request.nonce.unwrap_or_default();
    let nonce = nonce.iter().fold(0_u64, |sum, octet| (sum << 8) | u64::from(*octet));
    ready(timestamp::check_response(&RustCrypto, response, &request.digest, nonce, trust, NOW))
}

#[test]
fn accepts_the_responses_of_real_authorities() {
    let Some(folder) = folder("rfc3161", "accepts_the_responses_of_real_authorities") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let text = |name: &str| String::from_utf8(read(name)).unwrap();
    let mut tally = Tally::new("RFC 3161 samples", &[]);

    let pem = text("openssl/user-trust-ca.pem") + &text("openssl/sectigo-time-stamping-ca.pem");
    let signer = text("openssl/sectigo-signer.pem");
    let mut sectigo = trust(&pem);
    sectigo.timestamp_anchors.extend(Certificate::from_pem(&text("openssl/user-trust-ca.pem")));
    sectigo.intermediates.extend(Certificate::from_pem(&signer));
    let token = token_of(&read("openssl/sectigo-all-zero.tsr"));
    let request = timestamp::parse_request(&read("openssl/all-zero.tsq")).unwrap();
    // No data has this digest; that the check gets as far as comparing it is what can be seen here.
    let outcome = ready(timestamp::verify_token(&RustCrypto, &token, b"", &sectigo, NOW));
    tally.case("openssl/sectigo-all-zero.tsr", || {
        assert_eq!(request.digest, [0; 32]);
        assert_eq!(outcome, Err(TimestampError::ImprintMismatch));
    });

    let pem = text("rfc3161-client/sigstage/ts_chain.pem");
    let sigstage = trust(&pem);
    let request = read("rfc3161-client/sigstage/request.der");
    for name in ["response-sha256.tsr", "response-sha384.tsr"] {
        let response = read(&format!("rfc3161-client/sigstage/{name}"));
        let token = token_of(&response);
        let outcome = ready(timestamp::verify_token(&RustCrypto, &token, b"hello", &sigstage, NOW));
        let other = ready(timestamp::verify_token(&RustCrypto, &token, b"hullo", &sigstage, NOW));
        tally.case(&format!("sigstage/{name}"), || {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(other, Err(TimestampError::ImprintMismatch));
        });
    }
    let bad = read("rfc3161-client/sigstage/response-invalid-signature.tsr");
    let outcome = ready(timestamp::verify_token(&RustCrypto, &token_of(&bad), b"hello", &sigstage, NOW));
    tally.case("sigstage/response-invalid-signature.tsr", || {
        assert_eq!(outcome, Err(TimestampError::BadSignature));
    });
    let read_back = timestamp::parse_request(&request).unwrap();
    let digest = ready(RustCrypto.digest(read_back.hash, b"hello")).unwrap();
    tally.case("sigstage/request.der", || assert_eq!(read_back.digest, digest));

    let trust = trust(&text("rfc3161-client/test_tsa/ts_chain.pem"));
    let request = read("rfc3161-client/test_tsa/request.der");
    let outcome = check(&request, &read("rfc3161-client/test_tsa/response.tsr"), &trust);
    tally.case("test_tsa/response.tsr", || assert!(outcome.is_ok(), "{outcome:?}"));
    tally.finish(6);
}

/// The ContentInfo of a response: what follows its status.
fn token_of(response: &[u8]) -> Vec<u8> {
    fn element(der: &[u8]) -> (usize, usize) {
        match der[1] {
            short @ 0..0x80 => (2, short as usize),
            long => {
                let count = (long & 0x7f) as usize;
                let length = der[2..2 + count].iter().fold(0, |sum, octet| (sum << 8) | *octet as usize);
                (2 + count, length)
            }
        }
    }
    let (header, _) = element(response);
    let inner = &response[header..];
    let (header, length) = element(inner);
    inner[header + length..].to_vec()
}
