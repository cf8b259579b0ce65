//! A whole conversation over SMTP: every answer is one, and no mail is taken twice.
#![no_main]

use fuzz::relay;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let heard = relay::with(|relay| fuzz::bounded(data, 64, 32 << 20, || relay.smtp(data)));
    let text = String::from_utf8(heard).expect("answers are text");
    assert!(text.starts_with("220 "), "no greeting: {text}");
    let lines = text.strip_suffix("\r\n").expect("an answer ends with CRLF");
    for line in lines.split("\r\n") {
        let (code, rest) = line.split_at_checked(3).expect("an answer has a code");
        assert!(
            code.starts_with(['2', '3', '4', '5']) && code.bytes().all(|byte| byte.is_ascii_digit()),
            "{line}"
        );
        assert!(rest.starts_with([' ', '-']) && !rest.contains(['\r', '\n', '\0']), "{line:?}");
        assert!(line.len() <= 510, "an answer is too long: {line}");
    }
    // Each answer that a message was taken answers an end that was really there.
    let taken = lines.split("\r\n").filter(|line| *line == "250 2.0.0 taken").count();
    let dots = data.windows(5).filter(|window| window == b"\r\n.\r\n").count();
    let upper = data.to_ascii_uppercase();
    let last = upper.windows(4).filter(|window| window == b"LAST").count();
    let empty = upper.windows(9).filter(|window| window == b"DATA\r\n.\r\n").count();
    assert!(taken <= dots + last + empty, "{taken} messages were taken out of {dots} ends");
});
