use std::io;
use std::sync::Arc;

use super::envelope::{Recipient, Transaction};
use super::{Protocol, Reply, Session};
use crate::config::{ScannerFailure, SenderChecks};
use crate::delivery::{self, DeliverError, Findings};
use crate::outbound;
use crate::parts;
use crate::smtp::body::{Body, Memory};
use crate::smtp::judge::{Judgement, Origin, Wish};
use crate::smtp::line::Input;
use crate::smtp::notice::Notice;
use crate::smtp::origin;
use crate::smtp::scanner::{self, Envelope, Verdict};
use crate::smtp::trace::{self, Hop};
use crate::smtp::wire::Wire;
use crate::store::Account;
use crate::vacation::{self, Question};

/// A message that may be delivered.
struct Examined {
    message: Vec<u8>,
    findings: Findings,
    _memory: Option<Memory>,
}

impl Session {
    fn body(&self) -> Body {
        Body::new(self.relay().config.max_message_size, self.budget.clone())
    }

    pub async fn data(&mut self, input: &mut Input<Wire>) -> io::Result<Vec<Reply>> {
        input.send(&Reply::new(354, "go on, and end with a line of one dot")).await?;
        let mut body = self.body();
        if !body.read_data(input).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.finish(body).await)
    }

    pub async fn chunk(
        &mut self,
        input: &mut Input<Wire>,
        size: usize,
        last: bool,
    ) -> io::Result<Vec<Reply>> {
        let ready = self.ready(true);
        let kept = self.transaction.as_mut().and_then(|transaction| transaction.chunks.take());
        let mut body = kept.unwrap_or_else(|| self.body());
        if ready.is_err() {
            body.discard();
        }
        if !body.read_chunk(input, size).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let reply = match (ready, last, &mut self.transaction) {
            (Err(reply), ..) => reply,
            (Ok(()), true, _) => return Ok(self.finish(body).await),
            (Ok(()), false, Some(transaction)) => {
                transaction.chunks = Some(body);
                Reply::new(250, "2.0.0 chunk taken")
            }
            (Ok(()), false, None) => Reply::new(503, "5.5.1 say MAIL first"),
        };
        Ok(vec![reply])
    }

    /// Delivers; the answers come when the mail is on the disk, by LMTP one for each recipient (RFC 2033 4.2).
    async fn finish(&mut self, body: Body) -> Vec<Reply> {
        let Some(transaction) = self.transaction.take() else {
            return vec![Reply::new(503, "5.5.1 say MAIL first")];
        };
        let answers = if self.protocol == Protocol::Lmtp { transaction.recipients.len() } else { 1 };
        let Examined { message, findings, _memory } = match self.examine(&transaction, body).await {
            Ok(examined) => examined,
            Err(reply) => return vec![reply; answers],
        };
        if self.protocol == Protocol::Smtp {
            return vec![self.keep(&transaction, &transaction.recipients, message, &findings).await];
        }
        let mut done: Vec<(&Recipient, Reply)> = Vec::new();
        for recipient in &transaction.recipients {
            let reply = match done.iter().find(|(known, _)| known.account.id == recipient.account.id) {
                Some((_, reply)) => reply.clone(),
                None => {
                    self.keep(&transaction, std::slice::from_ref(recipient), message.clone(), &findings).await
                }
            };
            done.push((recipient, reply));
        }
        done.into_iter().map(|(_, reply)| reply).collect()
    }

    /// A message that may be delivered, with its trace field.
    async fn examine(&self, transaction: &Transaction, body: Body) -> Result<Examined, Reply> {
        let (message, memory) = body.finish().map_err(Reply::from)?;
        if trace::is_circling(&message) {
            return Err(Reply::new(554, "5.4.6 the message goes in circles"));
        }
        if message.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            // It would go on with the field that is put before it.
            return Err(Reply::new(554, "5.6.0 the message begins within a header field"));
        }
        if !parts::has_plain_header(&message) {
            return Err(header_too_long());
        }
        let message = Arc::new(message);
        match origin::is_forged(self.relay(), &transaction.mail_from, &message).await {
            Ok(false) => {}
            Ok(true) => {
                return Err(Reply::new(550, "5.7.1 mail from here does not come from elsewhere unsigned"));
            }
            Err(error) => return Err(DeliverError::from(error).into()),
        }
        let mut findings = self.judge(transaction, &message).await?;
        findings.is_suspicious |= self.scan(transaction, &message).await?;
        if transaction.mail_from.is_empty() {
            let (message, is_proved) = (Arc::clone(&message), findings.is_proved);
            let heard = delivery::off_thread(move || outbound::hear(&message, is_proved)).await;
            findings.report = heard.map_err(|error| Reply::from(DeliverError::from(error)))?;
        }
        let host = self.relay().config.host();
        let mut traced = trace::field(&self.hop(transaction), host);
        match trace::without_results_of(host, &message).filter(|_| self.protocol == Protocol::Smtp) {
            Some(honest) => traced.extend_from_slice(&honest),
            None => traced.extend_from_slice(&message),
        }
        // Its way and what was found stand in it now, and nobody would read it beyond that.
        if !parts::has_plain_header(&traced) {
            return Err(header_too_long());
        }
        Ok(Examined { message: traced, findings, _memory: memory })
    }

    /// What the domains of the sender say; mail that a server of this house hands over was judged by that.
    async fn judge(&self, transaction: &Transaction, message: &Arc<Vec<u8>>) -> Result<Findings, Reply> {
        let checks = self.relay().config.inbound.sender_checks;
        let (Some(judge), Some(peer)) = (&self.gate.judge, self.stranger()) else {
            return Ok(Findings { is_answerable: self.stranger().is_none(), ..Findings::default() });
        };
        let origin = Origin {
            peer,
            hello: self.hello.as_ref().map_or_else(String::new, |hello| hello.host.clone()),
            mail_from: transaction.mail_from.clone(),
            own: self.relay().config.host().to_owned(),
        };
        let judgement = judge.judge(origin, Arc::clone(message)).await;
        let enforced = checks == SenderChecks::Enforce;
        if enforced && judgement.wish == Wish::Reject {
            return Err(Reply::new(550, "5.7.1 the domain of the author asks to refuse this (DMARC)"));
        }
        if enforced && judgement.wish == Wish::Later {
            return Err(Reply::new(451, "4.7.1 who sent this cannot be told at the moment"));
        }
        let is_suspicious = enforced && judgement.wish == Wish::Quarantine;
        let Judgement { results, is_proved, is_answerable, is_denied, .. } = judgement;
        let results = Some(results);
        Ok(Findings { results, is_suspicious, is_proved, is_answerable, is_denied, report: None })
    }

    /// Whether the scanner takes a message for junk. It sees clear mail alone: the other says nothing to it.
    async fn scan(&self, transaction: &Transaction, message: &Arc<Vec<u8>>) -> Result<bool, Reply> {
        let inbound = &self.relay().config.inbound;
        let Some(scanner) = inbound.scanner else { return Ok(false) };
        match delivery::is_sealed(Arc::clone(message)).await {
            Ok(false) => {}
            Ok(true) => return Ok(false),
            Err(error) => return Err(DeliverError::from(error).into()),
        }
        let recipients = transaction.recipients.iter().map(|recipient| recipient.account.address.as_str());
        let envelope = Envelope {
            peer: self.peer,
            hello: self.hello.as_ref().map_or("", |hello| hello.host.as_str()),
            mail_from: &transaction.mail_from,
            recipients: recipients.collect(),
        };
        match scanner::scan(scanner, &envelope, message.to_vec()).await {
            Ok(Verdict::Clean) => Ok(false),
            Ok(Verdict::Suspicious) => Ok(true),
            Ok(Verdict::Later) => Err(Reply::new(451, "4.7.1 try again later")),
            Ok(Verdict::Refused) => Err(Reply::new(550, "5.7.1 the message is taken for abuse")),
            Err(error) => {
                tracing::error!(%error, "the scanner could not be asked");
                match inbound.scanner_failure {
                    ScannerFailure::Accept => Ok(false),
                    ScannerFailure::Defer => Err(Reply::new(451, "4.7.1 try again later")),
                }
            }
        }
    }

    fn hop(&self, transaction: &Transaction) -> Hop<'_> {
        Hop {
            hello: self.hello.as_ref().map_or("unknown", |hello| hello.host.as_str()),
            extended: self.hello.as_ref().is_some_and(|hello| hello.extended),
            lmtp: self.protocol == Protocol::Lmtp,
            utf8: transaction.utf8,
            tls: self.tls,
            peer: self.peer,
        }
    }

    async fn keep(
        &self,
        transaction: &Transaction,
        recipients: &[Recipient],
        message: Vec<u8>,
        findings: &Findings,
    ) -> Reply {
        let size = message.len();
        let accounts: Vec<Account> = recipients.iter().map(|recipient| recipient.account.clone()).collect();
        // What is forged, or junk, would have somebody else answered.
        let is_honest = !findings.is_denied && !findings.is_suspicious;
        let question = is_honest.then(|| Question::of(&transaction.mail_from, &accounts, &message)).flatten();
        let notice = Notice::of(transaction, recipients, findings, &message);
        match delivery::deliver_with(self.relay(), &accounts, message, findings).await {
            Ok(()) => {
                tracing::info!(size, recipients = recipients.len(), "mail taken");
                if let Some(greylist) = &self.relay().greylist {
                    let marks = recipients.iter().filter_map(|recipient| recipient.marks.as_ref());
                    greylist.remember(&self.relay().store, marks, findings.is_suspicious).await;
                }
                vacation::answer(self.relay(), question).await;
                if let Some(notice) = notice {
                    notice.send(self.relay(), &self.gate.notices).await;
                }
                Reply::new(250, "2.0.0 taken")
            }
            Err(error) => error.into(),
        }
    }
}

fn header_too_long() -> Reply {
    Reply::new(554, "5.6.0 the header is too long")
}
