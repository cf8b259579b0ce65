//! What somebody who means harm sends to the real program: bounded memory, clear errors, and others are served.

mod sockets;
mod unread;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::support::{
    Binary, Client, Folder, clear_letter, eventually, free_addresses, openssl_certificate, run, text,
};

const ALICE: &str = "alice@sealpost.example";
pub const MEGABYTE: usize = 1024 * 1024;

/// The HTTPS door of the program, opened by OpenSSL with a certificate that it does not look at.
async fn https_from(host: usize, to: SocketAddr) -> String {
    let mut client = Command::new("openssl");
    let host = format!("127.0.1.{}:0", host % 250 + 1);
    client.args(["s_client", "-quiet", "-ign_eof", "-bind", &host, "-connect", &to.to_string()]);
    text(&run(client, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await)
}

/// Does it, and checks that the program never held so much more than before, and still answers.
pub async fn costs_at_most<T>(binary: &Binary, octets: usize, harm: impl Future<Output = T>) -> T {
    let before = binary.memory("VmRSS");
    let done = harm.await;
    let held = binary.memory("VmHWM").saturating_sub(before);
    assert!(held <= octets, "{} MB more were held", held / MEGABYTE);
    assert!(binary.http("GET /healthz", b"").await.ends_with("ok\n"));
    done
}

/// A connection from one of many hosts: all of 127.0.0.0/8 is this one.
async fn connect_from(host: usize, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let host = Ipv4Addr::new(127, 0, 1, u8::try_from(host % 250).unwrap() + 1);
    socket.bind(SocketAddr::from((host, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut answer = [0; 512];
    let read = timeout(Duration::from_secs(30), stream.read(&mut answer)).await.unwrap().unwrap_or_default();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// The statuses of the answers, by the type of each error.
fn errors(answer: &Value) -> Vec<&str> {
    let answers = answer["methodResponses"].as_array().unwrap().iter();
    answers.filter(|answer| answer[0] == "error").map(|answer| answer[1]["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_thousand_connections_are_served_or_turned_away_and_keep_no_server_of_the_house_out() {
    let house = std::env::temp_dir().join(sealpost::random::id('l'));
    let lmtp = format!("log = 'error'\nlmtp_listen = 'unix:{}'\n", house.display());
    let binary = Binary::start_with(&lmtp).await;
    let harm = async {
        let mut open = Vec::new();
        for host in 0..1000 {
            open.push(connect_from(host, binary.smtp).await);
        }
        let (mut served, mut turned_away) = (0, 0);
        for stream in &mut open {
            let line = first_line(stream).await;
            served += usize::from(line.starts_with("220 "));
            turned_away += usize::from(line.starts_with("421 4.7.0"));
        }
        assert_eq!((served, served + turned_away), (256, 1000));
        let mut greeting = [0; 4];
        UnixStream::connect(&house).await.unwrap().read_exact(&mut greeting).await.unwrap();
        assert_eq!(&greeting, b"220 ");
    };
    costs_at_most(&binary, 48 * MEGABYTE, harm).await;
    // Their places are soon free again.
    let greeted = async || first_line(&mut connect_from(1, binary.smtp).await).await.starts_with("220 ");
    eventually(async || greeted().await.then_some(())).await;
    let mut client = Client::greeted(binary.smtp).await;
    assert!(client.deliver(&[ALICE], &clear_letter("a@b.example", ALICE, "", "x")).await.starts_with("250"));
    std::fs::remove_file(house).unwrap();
}

#[tokio::test]
async fn one_host_cannot_take_all_places() {
    let binary = Binary::start().await;
    let mut open = Vec::new();
    for _ in 0..200 {
        open.push(connect_from(7, binary.smtp).await);
    }
    let mut served = 0;
    for stream in &mut open {
        served += usize::from(first_line(stream).await.starts_with("220 "));
    }
    assert_eq!(served, 64);
    assert!(first_line(&mut connect_from(8, binary.smtp).await).await.starts_with("220 "));
}

#[tokio::test]
async fn a_few_hosts_that_say_nothing_of_use_keep_nobody_out() {
    let binary = Binary::start().await;
    let mut open = Vec::new();
    for host in 0..64 * 5 {
        let mut stream = connect_from(host / 64, binary.smtp).await;
        if first_line(&mut stream).await.starts_with("220 ") {
            open.push(stream);
        }
    }
    assert!(open.len() > 128, "{}", open.len());
    assert!(first_line(&mut connect_from(8, binary.smtp).await).await.starts_with("220 "));
    // Talking is no reason to keep a place.
    let mut talker = open.remove(0);
    let told = async {
        while talker.write_all(b"NOOP\r\n").await.is_ok() && first_line(&mut talker).await.starts_with("250 ")
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_secs(300), told).await.expect("the connection ends");
}

#[tokio::test]
async fn a_thousand_silent_connections_of_one_host_over_https_keep_nobody_out() {
    let folder = Folder::new();
    let (certificate, key) = openssl_certificate(folder.path(), "localhost");
    let [https] = free_addresses();
    let binary = Binary::start_with(&format!(
        "log = 'error'\nforwarded_networks = ['127.0.1.10/32']\ntls_listen = '{https}'\ntls_certificate = '{}'\n\
         tls_key = '{}'\npublic_url = 'https://localhost'\n",
        certificate.display(),
        key.display()
    ))
    .await;
    let silent = async |host: usize| {
        let mut open = Vec::new();
        for _ in 0..1024 {
            open.push(connect_from(host, https).await);
        }
        open
    };
    let harm = async {
        let open = silent(7).await;
        assert!(https_from(7, https).await.contains("HTTP/1.1 200"), "many others can be behind one address");
        assert!(https_from(8, https).await.contains("HTTP/1.1 200"));
        drop(open);
        let _open = silent(9).await;
        assert!(https_from(9, https).await.contains("HTTP/1.1 200"), "a proxy has many clients");
    };
    costs_at_most(&binary, 64 * MEGABYTE, harm).await;
    // Its places are free again.
    eventually(async || https_from(7, https).await.contains("HTTP/1.1 200").then_some(())).await;
}

#[tokio::test]
async fn a_thousand_clients_that_never_end_their_request_keep_nobody_out() {
    let binary = Binary::start().await;
    let harm = async {
        let mut open = Vec::new();
        for host in 0..1000 {
            let mut stream = connect_from(host, binary.http).await;
            stream.write_all(b"POST /jmap/api HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
            open.push(stream);
        }
        let (status, _) = binary.jmap(r#"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[]}"#).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        open
    };
    costs_at_most(&binary, 64 * MEGABYTE, harm).await;
}

#[tokio::test]
async fn bodies_that_are_announced_and_never_come_hold_no_memory() {
    let binary = Binary::start().await;
    let harm = async {
        let mut open = Vec::new();
        for host in 0..200 {
            let mut stream = connect_from(host, binary.http).await;
            let head = "POST /auth/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                        Content-Length: 4000\r\n\r\n{";
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
            let mut client = connect_from(host, binary.smtp).await;
            client.write_all(b"EHLO x\r\nMAIL FROM:<> SIZE=60000000\r\n").await.unwrap();
            client.write_all(format!("RCPT TO:<{ALICE}>\r\nBDAT 60000000\r\n").as_bytes()).await.unwrap();
            open.push(client);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        open
    };
    costs_at_most(&binary, 64 * MEGABYTE, harm).await;
}

/// Sends the same to the relay on many connections, which stay open.
pub async fn flood(binary: &Binary, count: usize, request: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for host in 0..count {
        let mut stream = connect_from(host, binary.http).await;
        // Who is refused before all was read hangs up.
        timeout(Duration::from_secs(5), stream.write_all(request)).await.ok();
        open.push(stream);
    }
    open
}

#[tokio::test]
async fn one_account_that_leaves_many_requests_unfinished_holds_little() {
    let binary = Binary::start().await;
    let head = format!(
        "POST /jmap/api HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        binary.http,
        binary.cookie(),
        10 * MEGABYTE
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + 9 * MEGABYTE, b' ');
    let _open = costs_at_most(&binary, 192 * MEGABYTE, flood(&binary, 60, &request)).await;
    let (_, problem) = binary.jmap(r#"{"using":["urn:ietf:params:jmap:core"],"methodCalls":[]}"#).await;
    assert_eq!(problem["limit"], "maxConcurrentRequests");
}

#[tokio::test]
async fn ten_megabytes_of_the_smallest_values_are_refused_before_they_fill_the_memory() {
    let binary = Binary::start().await;
    let objects = r#"{"":0},"#.repeat(10 * MEGABYTE / 7 - 100);
    let request =
        format!(r#"{{"using":["{}"],"methodCalls":[["Core/echo",{{"x":[{objects}0]}},"a"]]}}"#, jmap::CORE);
    let (_, problem) = costs_at_most(&binary, 192 * MEGABYTE, binary.jmap(&request)).await;
    assert_eq!(problem["limit"], "maxSizeRequest", "{problem}");
}

#[tokio::test]
async fn a_stranger_whose_request_does_not_come_whole_loses_its_place() {
    let binary = Binary::start().await;
    for path in ["/auth/sign-in", "/tsa", "/auth/sign-out", "/livez", "/jmap/api", "/no/such/place"] {
        let request = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n", binary.http);
        let mut stream = flood(&binary, 1, request.as_bytes()).await.remove(0);
        let (mut answer, wait) = (String::new(), Duration::from_secs(150));
        let ended = timeout(wait, stream.read_to_string(&mut answer)).await;
        ended.unwrap_or_else(|_| panic!("{path} stays open: {answer}")).ok();
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_header_without_bounds_is_refused_over_http() {
    let binary = Binary::start().await;
    let harm = async {
        for fields in [format!("X: {}\r\n", "x".repeat(4 * MEGABYTE)), "X: x\r\n".repeat(100_000)] {
            let mut stream = TcpStream::connect(binary.http).await.unwrap();
            let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
            stream.write_all(request.as_bytes()).await.ok();
            let line = first_line(&mut stream).await;
            // The answer may be lost when the connection is closed while more is on its way.
            assert!(line.is_empty() || line.starts_with("HTTP/1.1 431"), "{line}");
        }
    };
    costs_at_most(&binary, 24 * MEGABYTE, harm).await;
}

#[tokio::test]
async fn letters_made_of_headers_or_of_parts_are_taken_at_little_cost() {
    let binary = Binary::start().await;
    let nested: String = (0..20_000)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"))
        .collect();
    let flat = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n".repeat(50_000)
    );
    let letters = [
        format!("From: a@b.example\r\n{}\r\nx\r\n", "To: x@y.example\r\n".repeat(100_000)),
        format!("From: a@b.example\r\nTo: {}x\r\n\r\nx\r\n", "x@y.example,\r\n ".repeat(100_000)),
        format!("From: {}a@b.example\r\n\r\nx\r\n", "(".repeat(900)),
        format!("From: a@b.example\r\nReferences:{}\r\n\r\nx\r\n", "\r\n <x@y>".repeat(200_000)),
        format!("From: a@b.example\r\n{nested}\r\n"),
        format!("From: a@b.example\r\n{flat}\r\n"),
        format!("From: a@b.example\r\nSubject:{}\r\n\r\nx\r\n", "\r\n =?utf-8?q?=?=".repeat(100_000)),
    ];
    let harm = async {
        let mut client = Client::greeted(binary.smtp).await;
        let mut taken = 0;
        for letter in &letters {
            let before = binary.worked();
            let reply = client.deliver(&[ALICE], letter.as_bytes()).await;
            taken += usize::from(reply.starts_with("250 "));
            assert!(reply.starts_with("250 ") || reply.starts_with("55"), "{reply}");
            let worked = binary.worked() - before;
            println!("{} octets: {worked:?}", letter.len());
            assert!(worked < Duration::from_secs(15), "{worked:?}");
        }
        taken
    };
    let taken = costs_at_most(&binary, 96 * MEGABYTE, harm).await;
    // And a list that shows them all is small.
    let list = r##"{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[
        ["Email/query",{"accountId":"@"},"a"],
        ["Email/get",{"accountId":"@","#ids":{"resultOf":"a","name":"Email/query","path":"/ids"}},"b"]]}"##;
    let (status, answer) = binary.jmap(list).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(answer["methodResponses"][1][1]["list"].as_array().unwrap().len() == taken, "{answer}");
    assert!(answer.to_string().len() < 4 * MEGABYTE);
}

#[tokio::test]
async fn a_line_or_a_chunk_without_end_is_not_kept() {
    let binary = Binary::start().await;
    let harm = async {
        let mut client = Client::greeted(binary.smtp).await;
        for _ in 0..64 {
            client.write(vec![b'x'; MEGABYTE]).await;
        }
        assert!(client.say("\r\n").await.starts_with("500 5.5.2"));
        // Without a transaction a chunk is read and forgotten, or its octets would be taken for commands.
        client.write(format!("BDAT {}\r\n", 24 * MEGABYTE)).await;
        for _ in 0..24 {
            client.write(vec![b'x'; MEGABYTE]).await;
        }
        assert!(client.reply().await.starts_with("503"));
        assert!(client.say("NOOP\r\n").await.starts_with("250"));
        assert!(client.say("BDAT 99999999999999999999999\r\n").await.starts_with("501"));
        assert_eq!(client.reply().await, "");
    };
    costs_at_most(&binary, 16 * MEGABYTE, harm).await;
}

#[tokio::test]
async fn references_that_double_each_time_end_soon() {
    let binary = Binary::start().await;
    let mut calls = vec![json!(["Core/echo", {"a": vec!["x".repeat(1000); 100]}, "0"])];
    for number in 1..32 {
        let earlier = (number - 1).to_string();
        let reference = |path: &str| json!({"resultOf": earlier, "name": "Core/echo", "path": path});
        let (one, other) = if number == 1 { ("/a", "/a") } else { ("", "") };
        calls.push(json!(["Core/echo", {"#a": reference(one), "#b": reference(other)}, number.to_string()]));
    }
    let request = json!({"using": [jmap::CORE], "methodCalls": calls}).to_string();
    let (status, answer) = costs_at_most(&binary, 96 * MEGABYTE, binary.jmap(&request)).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let errors = errors(&answer);
    assert!(errors.len() > 20 && errors.iter().all(|error| *error == "invalidResultReference"), "{errors:?}");
    assert!(answer.to_string().len() < 8 * MEGABYTE);
}

#[tokio::test]
async fn endless_lists_and_bottomless_filters_are_refused() {
    let binary = Binary::start().await;
    let using = json!([jmap::CORE, jmap::MAIL]);
    let ids: Vec<String> = (0..190_000).map(|number| format!("e{number}")).collect();
    let request = |method: &str, arguments: Value| {
        let mut arguments = arguments;
        arguments["accountId"] = json!(binary.account);
        json!({"using": using, "methodCalls": [[method, arguments, "0"]]}).to_string()
    };
    let harm = async {
        for method in ["Email/get", "Thread/get", "Mailbox/get"] {
            let (_, answer) = binary.jmap(&request(method, json!({"ids": ids}))).await;
            assert_eq!(errors(&answer), ["requestTooLarge"], "{method}");
        }
        let (_, answer) = binary.jmap(&request("Email/set", json!({"destroy": ids}))).await;
        assert_eq!(errors(&answer), ["requestTooLarge"]);
        let wide: Vec<Value> = (0..90_000).map(|number| json!({"minSize": number})).collect();
        let wide = json!({"filter": {"operator": "OR", "conditions": wide}});
        let (_, answer) = binary.jmap(&request("Email/query", wide)).await;
        assert_eq!(errors(&answer), ["unsupportedFilter"]);
        // Deeper than JSON is read at all.
        let open = r#"{"operator":"NOT","conditions":["#.repeat(100_000);
        let deep = format!(r#"{{"using":[],"methodCalls":[["Email/query",{{"filter":{open}"#);
        let (status, problem) = binary.jmap(&deep).await;
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert_eq!(problem["type"], "urn:ietf:params:jmap:error:notJSON");
        let (status, problem) = binary.jmap(&" ".repeat(11 * MEGABYTE)).await;
        assert!(status.is_empty() || problem["limit"] == "maxSizeRequest", "{status} {problem}");
    };
    costs_at_most(&binary, 320 * MEGABYTE, harm).await;
}
