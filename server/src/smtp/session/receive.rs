use std::io;
use std::sync::Arc;

use super::envelope::Transaction;
use super::{Protocol, Reply, Session};
use crate::delivery::{self, DeliverError};
use crate::smtp::body::{Body, Memory};
use crate::smtp::line::Input;
use crate::smtp::origin;
use crate::smtp::trace::{self, Hop};
use crate::smtp::wire::Wire;
use crate::store::Account;
use crate::vacation::{self, Question};

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
        let (message, _memory) = match self.examine(&transaction, body).await {
            Ok(taken) => taken,
            Err(reply) => return vec![reply; answers],
        };
        if self.protocol == Protocol::Smtp {
            return vec![self.keep(&transaction, &transaction.recipients, message).await];
        }
        let mut done: Vec<(&Account, Reply)> = Vec::new();
        for account in &transaction.recipients {
            let reply = match done.iter().find(|(known, _)| known.id == account.id) {
                Some((_, reply)) => reply.clone(),
                None => self.keep(&transaction, std::slice::from_ref(account), message.clone()).await,
            };
            done.push((account, reply));
        }
        done.into_iter().map(|(_, reply)| reply).collect()
    }

    /// A message that may be delivered, with its trace field and the memory it holds.
    async fn examine(
        &self,
        transaction: &Transaction,
        body: Body,
    ) -> Result<(Vec<u8>, Option<Memory>), Reply> {
        let (message, memory) = body.finish().map_err(Reply::from)?;
        if trace::is_circling(&message) {
            return Err(Reply::new(554, "5.4.6 the message goes in circles"));
        }
        let message = Arc::new(message);
        match origin::is_forged(self.relay(), &transaction.mail_from, &message).await {
            Ok(false) => {}
            Ok(true) => {
                return Err(Reply::new(550, "5.7.1 mail from here does not come from elsewhere unsigned"));
            }
            Err(error) => return Err(DeliverError::from(error).into()),
        }
        let mut traced = trace::field(&self.hop(transaction), self.relay().config.host());
        traced.extend_from_slice(&message);
        Ok((traced, memory))
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

    async fn keep(&self, transaction: &Transaction, recipients: &[Account], message: Vec<u8>) -> Reply {
        let size = message.len();
        let question = Question::of(&transaction.mail_from, recipients, &message);
        match delivery::deliver(self.relay(), recipients, message).await {
            Ok(()) => {
                tracing::info!(size, recipients = recipients.len(), "mail taken");
                vacation::answer(self.relay(), question).await;
                Reply::new(250, "2.0.0 taken")
            }
            Err(error) => error.into(),
        }
    }
}
