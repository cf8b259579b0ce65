//! Many certificates, and much in them.

use smime::recipients::{Candidate, NoneChosen, Reads, Unfit, choose};
use smime::{Certificate, PathError, Trust, UnixTime, block_on_ready as ready};

use crate::forge::{Forge, authority, extension, oid, path};
use crate::support::NOW;
use crate::support::counting::Counting;
use crate::support::der::{sequence, tlv};

#[test]
fn thousands_of_certificates_of_one_name_cost_little() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
    let spki = forge.key("office");
    let others = (0..5000).map(|_| forge.certificate("Office", &spki, ("Root", None), &[authority()]));
    let mut others = others.collect::<Vec<_>>();
    let leaf = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &leaf, ("Office", Some("office")), &[]);
    let outcome = path("one name", &leaf, std::slice::from_ref(&root), &others);
    assert_eq!(outcome, Err(PathError::BudgetExceeded));
    // Among as many as honest messages carry, the right one is found.
    others.truncate(20);
    others.push(forge.certificate("Office", &spki, ("Root", Some("root")), &[authority()]));
    let outcome = path("twenty of one name", &leaf, &[root], &others);
    assert_eq!(outcome, Ok(3));
}

#[test]
fn deep_chains_and_circles_cost_little() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("0", &spki, ("0", Some("root")), &[authority()]);
    let mut others = Vec::new();
    for depth in 1..300 {
        // Each is above the one before it, and below it too.
        let (one, other) = (depth.to_string(), (depth - 1).to_string());
        let spki = forge.key("office");
        others.push(forge.certificate(&one, &spki, (&other, None), &[authority()]));
        others.push(forge.certificate(&other, &spki, (&one, None), &[authority()]));
    }
    let spki = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &spki, ("299", None), &[]);
    assert_eq!(path("a deep chain", &leaf, &[root], &others), Err(PathError::BudgetExceeded));
}

#[test]
fn a_certificate_that_costs_all_of_its_budget_is_not_in_the_way_of_a_good_one() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
    let emails = extension(17, &sequence(&[&tlv(0x81, b"bob@b.example")]));
    let spki = forge.key("bob");
    let bob = forge.certificate("Bob", &spki, ("Root", Some("root")), std::slice::from_ref(&emails));
    // Authorities that might each have certified any of the others.
    let circle = (0..7).map(|_| {
        let spki = forge.key("circle");
        forge.certificate("Circle", &spki, ("Circle", None), &[authority()])
    });
    let circle = circle.collect::<Vec<_>>();
    // Of two of one date, the digest says which is looked at first.
    let hostile = std::iter::repeat_with(|| {
        forge.certificate("Bob", &spki, ("Circle", None), std::slice::from_ref(&emails))
    });
    let hostile = hostile.filter(|one| one.sha256() > bob.sha256()).take(3).map(|certificate| Candidate {
        certificate,
        issuers: circle.clone(),
        reads: Reads::Unknown,
    });
    let mut known = hostile.collect::<Vec<_>>();
    known.push(Candidate { certificate: bob.clone(), issuers: Vec::new(), reads: Reads::Unknown });
    let trust = Trust { anchors: vec![root], ..Trust::default() };
    let counting = Counting::default();
    let chosen = ready(choose(&counting, "bob@b.example", &known, &trust, NOW)).unwrap();
    assert_eq!(chosen.certificate(), &bob);
    let reasons = chosen.passed_over().iter().map(|one| one.reason.code()).collect::<Vec<_>>();
    assert_eq!(reasons, ["budget-exceeded"; 3]);
    // More than a few are not checked, and those that are not valid are not counted among them.
    let mut many = [known.clone(), vec![known[0].clone(), known[1].clone()]].concat();
    many.sort_by_key(|one| one.certificate == bob);
    let late = UnixTime(NOW.0 + 20_000 * 86_400);
    let none = ready(choose(&counting, "bob@b.example", &many, &trust, late)).unwrap_err();
    let NoneChosen::Unfit(reasons) = none else { panic!("{none:?}") };
    assert!(reasons.iter().all(|one| one.reason.code() == "expired"), "{reasons:?}");
    let none = ready(choose(&counting, "bob@b.example", &many, &trust, NOW)).unwrap_err();
    let NoneChosen::Unfit(reasons) = none else { panic!("{none:?}") };
    assert_eq!(reasons.iter().filter(|one| one.reason == Unfit::NotChecked).count(), 2);
}

/// A leaf, its root, and nine authorities in between, each twice if there are to be many ways. Every
/// policy is mapped to one, and that one to every policy.
fn tower(width: u8, ways: usize) -> (Certificate, [Certificate; 1], Vec<Certificate>) {
    let mut forge = Forge::new();
    let spki = forge.key("0");
    let root = forge.certificate("0", &spki, ("0", Some("0")), &[authority()]);
    let policies = |level: u8| {
        let policies = (0..width).map(move |number| sequence(&[&oid(level, number)]));
        extension(32, &sequence(&[&policies.collect::<Vec<_>>().concat()]))
    };
    let mut others = Vec::new();
    for level in 1..10_u8 {
        let mappings = (0..width).map(|number| {
            let (from, to) = if level.is_multiple_of(2) { (0, number) } else { (number, 0) };
            sequence(&[&oid(level, from), &oid(level + 1, to)])
        });
        let mappings = extension(33, &sequence(&[&mappings.collect::<Vec<_>>().concat()]));
        let (key, above) = (level.to_string(), (level - 1).to_string());
        let spki = forge.key(&key);
        for _ in 0..ways {
            let extensions = [authority(), policies(level), mappings.clone()];
            others.push(forge.certificate(&key, &spki, (&above, Some(&above)), &extensions));
        }
    }
    // Its purpose is wrong, so that every way through is tried.
    let usage = sequence(&[&tlv(6, &[0x2b, 6, 1, 5, 5, 7, 3, 1])]);
    let spki = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &spki, ("9", Some("9")), &[policies(10), extension(37, &usage)]);
    (leaf, [root], others)
}

#[test]
fn policies_that_multiply_cost_little() {
    let (leaf, root, others) = tower(127, 2);
    assert_eq!(path("policies", &leaf, &root, &others), Err(PathError::BudgetExceeded));
    // With as many as honest authorities name, what is refused is the purpose.
    let (leaf, root, others) = tower(20, 1);
    assert_eq!(path("some policies", &leaf, &root, &others), Err(PathError::WrongUsage));
}

#[test]
fn thousands_of_name_constraints_cost_little() {
    for (trees, names, outcome) in
        [(512, 1000, Err(PathError::BudgetExceeded)), (512, 300, Ok(3)), (512, 50, Ok(3))]
    {
        let mut forge = Forge::new();
        let spki = forge.key("root");
        let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
        let tree = |number: usize| sequence(&[&tlv(0x81, format!("b{number}.example").as_bytes())]);
        let permitted = (0..trees).map(|number| if number == 7 { tree(0) } else { tree(number + 1) });
        let permitted = tlv(0xa0, &permitted.collect::<Vec<_>>().concat());
        let excluded = (0..trees).map(|number| tree(number + 9999));
        let excluded = tlv(0xa1, &excluded.collect::<Vec<_>>().concat());
        let constraints = extension(30, &sequence(&[&permitted, &excluded]));
        let spki = forge.key("office");
        let offices = [(); 3].map(|()| {
            forge.certificate("Office", &spki, ("Root", Some("root")), &[authority(), constraints.clone()])
        });
        let name = |number: usize| tlv(0x81, format!("person.{number}@b0.example").as_bytes());
        let names = sequence(&[&(0..names).map(name).collect::<Vec<_>>().concat()]);
        let spki = forge.key("leaf");
        let leaf = forge.certificate("Leaf", &spki, ("Office", Some("office")), &[extension(17, &names)]);
        assert_eq!(path("name constraints", &leaf, &[root], &offices), outcome);
    }
}

/// Each pair counts as one comparison, so none may be longer than a name can be.
#[test]
fn names_longer_than_any_are_not_compared_with_constraints() {
    for (form, name, outcome) in [
        (0x86, format!("x://{}", "a".repeat(200_000)), None),
        (0x82, format!("{}.example", "a".repeat(200_000)), None),
        (0x81, format!("{}@b.example", "a".repeat(200_000)), None),
        (0x86, format!("x://b.example/{}", "a".repeat(200_000)), Some(3)),
    ] {
        let mut forge = Forge::new();
        let spki = forge.key("root");
        let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
        let tree = |number: usize| sequence(&[&tlv(form, format!("{number}.example").as_bytes())]);
        let excluded = tlv(0xa1, &(0..500).map(tree).collect::<Vec<_>>().concat());
        let constraints = extension(30, &sequence(&[&excluded]));
        let spki = forge.key("office");
        let office = forge.certificate("Office", &spki, ("Root", Some("root")), &[authority(), constraints]);
        let spki = forge.key("leaf");
        let names = extension(17, &sequence(&[&tlv(form, name.as_bytes())]));
        let leaf = forge.certificate("Leaf", &spki, ("Office", Some("office")), &[names]);
        let refused = PathError::NameNotPermitted { subject: "CN=Leaf".into() };
        assert_eq!(path("long names", &leaf, &[root], &[office]), outcome.ok_or(refused));
    }
}
