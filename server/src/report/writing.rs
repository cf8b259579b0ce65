use crate::base64_url;
use crate::clock::{mail_date, now};
use crate::config::Config;
use crate::random;

/// A delivery status notification to be written (RFC 3464, RFC 6533).
#[derive(Debug, Clone, Copy)]
pub struct StatusNotification<'a> {
    /// Whom it is for.
    pub to: &'a str,
    /// What it is about, for people.
    pub subject: &'a str,
    /// What happened, for people, in lines of CRLF.
    pub words: &'a str,
    /// The id of the message that it is about, without its angle brackets.
    pub about: Option<&'a str>,
    /// The fields of the message and of each recipient, for programs (RFC 3464 2.1).
    pub fields: &'a str,
    /// The header of the message.
    pub header: Option<&'a str>,
}

impl StatusNotification<'_> {
    /// A message from this relay, without a return path.
    pub fn write(&self, config: &Config) -> Vec<u8> {
        let Self { to, subject, words, fields, .. } = self;
        let (domain, host, date) = (&config.domain, config.host(), mail_date(now()));
        let (boundary, id) = (base64_url(&random::bytes::<18>()), base64_url(&random::bytes::<16>()));
        let about = self.about.map_or_else(String::new, |id| format!("In-Reply-To: <{}>\r\n", one_line(id)));
        let header = self.header.unwrap_or_default();
        // RFC 6533 has types of its own for what ASCII cannot say.
        let (status_type, header_type) = match fields.is_ascii() && header.is_ascii() {
            true => ("message/delivery-status", "text/rfc822-headers"),
            false => ("message/global-delivery-status", "message/global-headers"),
        };
        let returned = self.header.map_or_else(String::new, |header| {
            format!("--{boundary}\r\nContent-Type: {header_type}\r\n\r\n{header}\r\n")
        });
        format!(
            "From: Mail Delivery System <mailer-daemon@{domain}>\r\n\
             To: <{to}>\r\n\
             Subject: {subject}\r\n\
             Date: {date}\r\n\
             Message-ID: <{id}@{host}>\r\n\
             {about}Auto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"{boundary}\"\r\n\
             \r\n\
             --{boundary}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             \r\n\
             {words}\r\n\
             \r\n\
             --{boundary}\r\n\
             Content-Type: {status_type}\r\n\
             \r\n\
             {fields}\r\n\
             {returned}--{boundary}--\r\n"
        )
        .into_bytes()
    }
}

/// A text that cannot break out of its line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_line_stays_there() {
        assert_eq!(one_line("550 a\r\nb"), "550 a  b");
    }

    #[test]
    fn what_is_not_ascii_stands_in_parts_whose_types_admit_it() {
        let plain = StatusNotification {
            to: "a@a.example",
            subject: "s",
            words: "w",
            about: Some("1@a.example\r\nX: y"),
            fields: "Reporting-MTA: dns; mx\r\n",
            header: None,
        };
        let written = |notification: StatusNotification<'_>| {
            String::from_utf8(notification.write(&Config::default())).unwrap()
        };
        let text = written(plain);
        assert!(text.contains("\r\nContent-Type: message/delivery-status\r\n") && !text.contains("header"));
        assert!(text.contains("\r\nIn-Reply-To: <1@a.example  X: y>\r\n"), "{text}");
        for other in [
            StatusNotification { fields: "Final-Recipient: utf-8; \u{e4}@a.example\r\n", ..plain },
            StatusNotification { header: Some("Subject: \u{e4}\r\n"), ..plain },
        ] {
            assert!(written(other).contains("\r\nContent-Type: message/global-delivery-status\r\n"));
        }
    }
}
