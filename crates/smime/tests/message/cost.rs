//! Hostile headers: what reading and answering them may cost, held against smaller ones of the same kind.

use std::time::Duration;

use smime::message::{Draft, SealOptions};

use crate::people::{World, letter};
use crate::work::{takes_linear_work, work};

#[test]
fn many_fields_with_many_records_of_the_outside_take_linear_work() {
    let world = World::new();
    let words = "a ".repeat(120);
    let read = |count| {
        let mut entity = String::from("Content-Type: text/plain; hp=\"cipher\"\r\nFrom: a@b.example\r\n");
        for number in 0..count {
            entity.push_str(&format!("X: {words}{number}\r\nHP-Outer: X: {words}y{number}\r\n"));
        }
        entity.push_str("HP-Outer: x:  a   b\r\nX: a b\r\n\r\nx\r\n");
        let message = world.encrypt("From: a@b.example\r\n", entity.as_bytes());
        let mut opened = None;
        let took = work(|| opened = Some(world.open(&message)));
        let fields = opened.unwrap().headers.fields;
        assert_eq!(fields.len(), count + 2);
        // Names without case and values without regard to white space still meet.
        assert!(!fields.last().unwrap().protection.encrypted);
        assert!(fields[1].protection.encrypted);
        took
    };
    takes_linear_work(read, 2000);
}

#[test]
fn encoded_words_without_end_take_linear_work() {
    let world = World::new();
    for piece in ["=?", "=?x?q?a", "=?x?q?a?", "=?utf-8?q?a?= "] {
        let read = |count: usize| {
            let message = format!("Subject: {}\r\n\r\nx\r\n", piece.repeat(count));
            work(|| drop(world.open(message.as_bytes())))
        };
        takes_linear_work(read, 72_000);
    }
}

#[test]
fn an_answer_to_thousands_takes_linear_work() {
    let world = World::new();
    takes_linear_work(|each| answer_to(&world, each), 3000);
}

/// What it takes to seal an answer to so many addresses in each of three fields.
fn answer_to(world: &World, each: usize) -> Duration {
    let list =
        |field| (0..each).map(|number| format!("someone{number}@{field}.example, ")).collect::<String>();
    let list = ["b", "c", "d"].map(|field| format!("{}\r\nTo: ", list(field))).concat();
    let ids: String = (0..1000).map(|number| format!("<{number}@example.org> ")).collect();
    let entity = format!(
        "Content-Type: text/plain; hp=\"cipher\"\r\nFrom: a@b.example\r\nTo: {list}\r\nReferences: {ids}\r\n\r\nx\r\n"
    );
    let opened = world.open(&world.encrypt("From: a@b.example\r\n", entity.as_bytes()));
    let headers = &opened.headers;
    let draft = Draft { to: headers.to.clone(), references: headers.references.clone(), ..letter() };
    let options = SealOptions { reference: Some(headers.reference()), ..SealOptions::default() };
    assert_eq!(draft.to.len(), each * 3);
    let mut sealed = Vec::new();
    let took = work(|| sealed = world.seal(&draft, Some("alice"), &options));
    assert!(!String::from_utf8(sealed).unwrap().contains("someone"));
    took
}
