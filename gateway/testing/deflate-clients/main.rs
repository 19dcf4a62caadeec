//! The library tungstenite, which knows no extension: it offers none and gets the texts as they are.
use sha2::{Digest, Sha256};
use std::{env, thread, time::Duration};

fn main() {
    let url = env::args().nth(1).expect("a URL");
    let (mut socket, _) = tungstenite::connect(url.as_str()).expect("a handshake");
    let (mut digest, mut count, mut first) = (Sha256::new(), 0u64, String::new());
    loop {
        let message = socket.read().expect("a message");
        if !message.is_text() {
            continue;
        }
        let text = message.into_text().expect("UTF-8");
        digest.update(text.as_bytes());
        digest.update(b"\n");
        count += 1;
        if first.is_empty() {
            let number = text.split("\"n\":").nth(1).unwrap_or("");
            first = number.chars().take_while(char::is_ascii_digit).collect();
        }
        if text.contains("\"last\":true") {
            break;
        }
        if count % 5000 == 0 {
            thread::sleep(Duration::from_millis(300));
        }
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{first} {count} {hex}");
}
