//! Reads with tungstenite, which supports no extension, so it gets uncompressed texts. Usage: `client URL STEP`.
use sha2::{Digest, Sha256};
use std::{env, thread, time::Duration};
use tungstenite::Message;

/// What is between `before` and `end`; None without them.
fn between<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    text.split_once(before)?.1.split(end).next()
}

fn main() {
    let url = env::args().nth(1).expect("a URL");
    let step: u64 = env::args().nth(2).expect("a step").parse().expect("a number");
    let (mut socket, _) = tungstenite::connect(url.as_str()).expect("a handshake");
    let (mut digest, mut count, mut first) = (Sha256::new(), 0u64, String::new());
    loop {
        let message = socket.read().expect("a message");
        if !message.is_text() {
            continue;
        }
        let text = message.into_text().expect("UTF-8").to_string();
        if !text.starts_with("{\"Event-Name\"") {
            continue;
        }
        match text.rfind(",\"_firehose\":") {
            Some(tail) => {
                digest.update(&text.as_bytes()[..tail]);
                digest.update(b"}\n");
            }
            None => {
                digest.update(text.as_bytes());
                digest.update(b"\n");
            }
        }
        count += 1;
        if first.is_empty() {
            let number = text.split("\"n\":").nth(1).unwrap_or("");
            first = number.chars().take_while(char::is_ascii_digit).collect();
        }
        if text.contains("\"last\":true") {
            break;
        }
        if count % step > 0 {
            continue;
        }
        let turn = count / step;
        match between(&text, "\"cursor\":\"", '"') {
            Some(cursor) if turn % 4 == 3 => {
                let next = format!("{url}&cursor={cursor}");
                (socket, _) = tungstenite::connect(next.as_str()).expect("a handshake");
                continue;
            }
            Some(_) => {
                let accounts = if turn % 2 == 0 { "null" } else { "[\"account_id_1\"]" };
                let frame = format!("{{\"filter\":{{\"accounts\":{accounts},\"events\":null}}}}");
                socket.send(Message::text(frame)).expect("a frame that is sent");
            }
            None => {}
        }
        thread::sleep(Duration::from_millis(300));
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{first} {count} {hex}");
}
