//! Hostile headers: what reading and answering them may cost.

use std::time::{Duration, Instant};

use smime::message::{Draft, SealOptions};

use crate::people::{World, letter};

/// Generous for a debug build on a busy machine; what grows with the square takes minutes.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn many_fields_with_many_records_of_the_outside_take_linear_time() {
    let world = World::new();
    let mut entity = String::from("Content-Type: text/plain; hp=\"cipher\"\r\nFrom: a@b.example\r\n");
    let words = "a ".repeat(120);
    for number in 0..2000 {
        entity.push_str(&format!("X: {words}{number}\r\nHP-Outer: X: {words}y{number}\r\n"));
    }
    entity.push_str("HP-Outer: x:  a   b\r\nX: a b\r\n\r\nx\r\n");
    let message = world.encrypt("From: a@b.example\r\n", entity.as_bytes());
    let start = Instant::now();
    let opened = world.open(&message);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(opened.headers.fields.len(), 2002);
    // Names without case and values without regard to white space still meet.
    assert!(!opened.headers.fields.last().unwrap().protection.encrypted);
    assert!(opened.headers.fields[1].protection.encrypted);
}

#[test]
fn an_answer_to_thousands_takes_linear_time() {
    let world = World::new();
    // The quicker of two, as others may be busy on the same machine.
    let quickest = |each| answer_to(&world, each).min(answer_to(&world, each));
    let (few, many) = (quickest(1000), quickest(9000));
    // Nine times as many: 81 times as long if each was compared with all.
    assert!(many < few * 30, "{few:?}, then {many:?}");
}

/// How long it takes to seal an answer to so many addresses in each of three fields.
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
    let start = Instant::now();
    let sealed = String::from_utf8(world.seal(&draft, Some("alice"), &options)).unwrap();
    let took = start.elapsed();
    assert!(!sealed.contains("someone"));
    took
}
