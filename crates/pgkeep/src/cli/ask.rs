//! The plane as the command line asks it: through the API, on its unix socket.

use api::client::Client;
use base::{ExitCode, Fault};
use serde_json::Value;

use super::one_thread;
use super::output::{self, Format};
use super::progress::Steps;
use crate::home::Home;
use crate::plane::{API_SOCKET, encode};

/// Entries of a page when all of a list is wanted.
const PAGE: u32 = 1000;

/// The plane's API, by its socket.
pub(super) fn client(home: &Home) -> Client {
    Client::new(&home.socket(API_SOCKET))
}

/// Asks, showing the steps of a job until it has ended.
pub(super) fn ask(
    home: &Home,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Fault> {
    let steps = Steps::new();
    let client = client(home);
    let call = client.call(method, path, body, |message| steps.say(message));
    let answer = one_thread()?.block_on(call);
    steps.done();
    answer
}

/// Reads one thing.
pub(super) fn get(home: &Home, path: &str) -> Result<Value, Fault> {
    ask(home, "GET", path, None)
}

/// Reads all of a list.
pub(super) fn all(home: &Home, path: &str) -> Result<Value, Fault> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let mut page = get(home, &format!("{path}?limit={PAGE}{after}"))?;
        if let Value::Array(more) = page["items"].take() {
            items.extend(more);
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", encode(next)),
            None => return Ok(Value::Array(items)),
        }
    }
}

/// Prints what was answered.
pub(super) fn print(answer: &Value, format: Format, columns: &[&str]) -> Result<ExitCode, Fault> {
    output::show(format, answer, columns).map(|()| ExitCode::Ok)
}

/// A name as a part of a path; what would have to be written otherwise names nothing.
pub(super) fn part(name: &str) -> Result<&str, Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !name.is_empty() && name.bytes().all(plain) && !name.bytes().all(|b| b == b'.') {
        return Ok(name);
    }
    Err(Fault::new("not_found", format!("there is nothing of the name \"{name}\""))
        .exit(ExitCode::NotFound))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_of_paths_are_plain() {
        assert_eq!(part("anna.b").unwrap(), "anna.b");
        for bad in ["", "..", ".", "a/b", "a?b", "a%62", "ä"] {
            assert!(part(bad).is_err(), "{bad}");
        }
    }
}
