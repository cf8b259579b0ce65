//! One mail transaction: MAIL, RCPT for each recipient, DATA (RFC 5321 3.3).

use smtp_proto::{
    EXT_8BIT_MIME, EXT_DSN, EXT_MT_PRIORITY, EXT_PIPELINING, EXT_REQUIRE_TLS, EXT_SIZE, EXT_SMTP_UTF8,
};

use tokio::time::{Instant, timeout_at};

use super::client::{self, Features, Reply};
use super::dns;
use super::idle::Open;
use super::message::Message;
use super::reason::{Reason, Trouble};
use super::transport::{Accepted, Envelope, Outcome, Recipient};
use crate::address;

/// What became of a message for each recipient, and the conversation where it can go on.
type Done = (Vec<Outcome>, Option<Open>);

/// Hands a message over; the server has until `until` to wait for it, and its time to take it in and to answer after that.
///
/// After an error nothing of the message is there, and another server may be tried. Once it ends, the server
/// may have it whatever happens: an answer that does not come puts it off.
pub async fn run(
    mut open: Open,
    envelope: Envelope<'_>,
    message: &Message,
    until: Instant,
) -> Result<Done, Trouble> {
    let offer = offer(&mut open, envelope, message);
    let mut outcomes = timeout_at(until, offer).await.map_err(|_| Reason::Late)??;
    let mut next = None;
    if outcomes.iter().all(Option::is_some) {
        // RFC 5321 4.1.4: a refused DATA leaves the transaction open, and the next MAIL would be refused for it.
        next = reset(&mut open).await.is_ok().then_some(open);
    } else {
        open.client.message(message).await?;
        let taken = match open.client.end().await {
            Ok(reply) => {
                let taken = taken(&open, &reply);
                next = Some(open);
                taken
            }
            Err(trouble) => Outcome::of(trouble.at(&open.host)),
        };
        for outcome in &mut outcomes {
            outcome.get_or_insert_with(|| taken.clone());
        }
    }
    Ok((outcomes.into_iter().flatten().collect(), next))
}

fn taken(open: &Open, reply: &Reply) -> Outcome {
    if reply.code != 250 {
        return Outcome::of(client::refusal(reply).at(&open.host));
    }
    let reports = open.features.has_capability(EXT_DSN);
    Outcome::Delivered(Accepted { reply: client::line(reply), host: open.host.clone(), reports })
}

/// All before the message: outcomes for those recipients for whom the server does not wait for it.
async fn offer(
    open: &mut Open,
    envelope: Envelope<'_>,
    message: &Message,
) -> Result<Vec<Option<Outcome>>, Trouble> {
    let mail = mail(&open.features, open.is_proved, envelope, message)?;
    let reports = open.features.has_capability(EXT_DSN);
    let mut commands = vec![mail];
    commands.extend(envelope.recipients.iter().map(|to| rcpt(to, reports)));
    let at_once = open.features.has_capability(EXT_PIPELINING);
    let mut replies = open.client.commands(&commands, at_once).await?.into_iter();
    let host = open.host.clone();
    let judge = |reply: &Reply| Outcome::of(client::refusal(reply).at(&host));
    match replies.next() {
        Some(reply) if reply.code == 250 => {}
        // It may be about what came before, or how much that was, and one that leaves refuses no message.
        Some(reply) if open.is_used || reply.code == 421 => return Err(client::refusal(&reply)),
        Some(reply) => return Ok(vec![Some(judge(&reply)); envelope.recipients.len()]),
        None => return Err(Reason::Protocol.into()),
    }
    // Which recipients were taken; what became of the others is known.
    let mut outcomes: Vec<Option<Outcome>> =
        replies.map(|reply| (!matches!(reply.code, 250 | 251)).then(|| judge(&reply))).collect();
    if outcomes.iter().all(Option::is_some) {
        return Ok(outcomes);
    }
    let ready = open.client.command("DATA\r\n").await?;
    match ready.code {
        354 => {}
        400.. => {
            for outcome in &mut outcomes {
                outcome.get_or_insert_with(|| judge(&ready));
            }
        }
        // It takes for sent what was not.
        _ => return Err(Reason::Protocol.into()),
    }
    Ok(outcomes)
}

async fn reset(open: &mut Open) -> Result<(), Trouble> {
    match open.client.command("RSET\r\n").await?.code {
        250 => Ok(()),
        _ => Err(Reason::Protocol.into()),
    }
}

/// The MAIL command with what the message needs; the reason when the server lacks it.
fn mail(
    features: &Features,
    is_proved: bool,
    envelope: Envelope<'_>,
    message: &Message,
) -> Result<String, Reason> {
    let can = |extension| features.has_capability(extension);
    let mut command = format!("MAIL FROM:<{}>", on_the_wire(envelope.mail_from));
    let to = envelope.recipients.iter().map(|to| to.address.as_str());
    if !to.chain([envelope.mail_from]).all(|address| on_the_wire(address).is_ascii()) {
        if !can(EXT_SMTP_UTF8) {
            return Err(Reason::SmtpUtf8);
        }
        command.push_str(" SMTPUTF8");
    }
    if !message.parts().iter().all(|part| part.is_ascii()) {
        if !can(EXT_8BIT_MIME) {
            return Err(Reason::EightBit);
        }
        command.push_str(" BODY=8BITMIME");
    }
    if can(EXT_SIZE) {
        if features.size != 0 && message.size() > features.size {
            return Err(Reason::Size);
        }
        command.push_str(&format!(" SIZE={}", message.size()));
    }
    let asked = envelope.parameters;
    if asked.require_tls {
        if !(is_proved && can(EXT_REQUIRE_TLS)) {
            return Err(Reason::RequireTls);
        }
        command.push_str(" REQUIRETLS");
    }
    if can(EXT_DSN) {
        for (name, value) in [("RET", &asked.ret), ("ENVID", &asked.envid)] {
            if let Some(value) = value {
                command.push_str(&format!(" {name}={value}"));
            }
        }
    }
    if let Some(priority) = asked.priority.filter(|_| can(EXT_MT_PRIORITY)) {
        command.push_str(&format!(" MT-PRIORITY={priority}"));
    }
    command.push_str("\r\n");
    Ok(command)
}

fn rcpt(to: &Recipient, reports: bool) -> String {
    let mut command = format!("RCPT TO:<{}>", on_the_wire(&to.address));
    if reports {
        for (name, value) in [("NOTIFY", &to.notify), ("ORCPT", &to.orcpt)] {
            if let Some(value) = value {
                command.push_str(&format!(" {name}={value}"));
            }
        }
    }
    command.push_str("\r\n");
    command
}

/// An address with its domain in A-labels where its local part is plain: then no server needs SMTPUTF8.
fn on_the_wire(text: &str) -> String {
    let Some(domain) = address::domain(text).filter(|domain| !domain.is_ascii()) else {
        return text.to_owned();
    };
    match (text.rsplit_once('@'), dns::ascii(domain)) {
        (Some((local, _)), Ok(ascii)) if local.is_ascii() => format!("{local}@{ascii}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Parameters;

    fn command(features: &Features, from: &str, to: &str, parameters: &Parameters) -> Result<String, Reason> {
        let recipients = [Recipient { address: to.into(), ..Recipient::default() }];
        let envelope = Envelope { mail_from: from, recipients: &recipients, parameters };
        mail(features, true, envelope, &Message::of("x\r\n"))
    }

    #[test]
    fn a_server_is_asked_for_what_it_can_do() {
        let asked = Parameters {
            envid: Some("e1".into()),
            require_tls: true,
            priority: Some(3),
            ..Parameters::default()
        };
        let capabilities = EXT_SIZE | EXT_DSN | EXT_REQUIRE_TLS | EXT_MT_PRIORITY | EXT_SMTP_UTF8;
        let mut all = Features { capabilities, ..Features::default() };
        let said = command(&all, "ä@a.example", "b@b.example", &asked).unwrap();
        assert_eq!(said, "MAIL FROM:<ä@a.example> SMTPUTF8 SIZE=3 REQUIRETLS ENVID=e1 MT-PRIORITY=3\r\n");
        let none = Features::default();
        assert_eq!(command(&none, "a@a.example", "b@b.example", &asked), Err(Reason::RequireTls));
        let plain = Parameters::default();
        assert_eq!(command(&none, "ä@a.example", "b@b.example", &plain), Err(Reason::SmtpUtf8));
        let said = command(&none, "a@a.example", "b@bücher.example", &plain).unwrap();
        assert_eq!(said, "MAIL FROM:<a@a.example>\r\n");
        all.size = 2;
        assert_eq!(command(&all, "a@a.example", "b@b.example", &plain), Err(Reason::Size));
    }
}
