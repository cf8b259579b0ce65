//! Reports about mail that was sent, as the relay reads them at the door.
#![no_main]

use fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use sealpost::outbound::hear;
use sealpost::report::Said;

fuzz_target!(|data: &[u8]| {
    let Some(report) = bounded(data, 200, 4 << 20, || hear(data, true)) else { return };
    for name in report.envelope_id.iter().chain(&report.message_id) {
        assert!(!name.contains(['\0', '\r', '\n']) && name.len() <= 1024, "a name breaks out of its line");
    }
    match &report.said {
        Said::Delivery(all) => {
            assert!(all.len() <= 1000);
            for one in all {
                assert!(matches!(one.recipients.len(), 1 | 2) && one.status.len() <= 9);
            }
        }
        Said::Disposition(_) => assert_eq!(hear(data, false), None, "nobody vouches for it"),
    }
});
