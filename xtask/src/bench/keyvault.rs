//! `cargo xtask bench keyvault`: unwraps through the REST API with one core for the vault, paired
//! with the private RSA operations of `openssl speed` on the same core.
//!
//! The vault and OpenSSL take turns on core 0; the load comes from core 1. Every answer is
//! audited durably first, as always.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::stats::Spread;
use crate::vault_home::{self, VaultHome};
use crate::{build, deps, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--seconds", "--clients", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Core of the vault and of OpenSSL, and core of the load.
const VAULT_CORE: &str = "0";
const LOAD_CORE: &str = "1";

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let seconds = args.number("--seconds", 8u32, 2..=600)?;
    let n_clients = args.number("--clients", 16u32, 1..=512)?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    deps::ensure(&[deps::Need::Wrk], args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "keyvault", &account)?;
    let program = work.program(&binary)?;
    let home = VaultHome::start(&program, work.path())?;
    let script = prepare(&home, work.path())?;
    pin(&home)?;
    let (mut ratios, mut rates, mut privates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut middle, mut slow) = (Vec::new(), Vec::new());
    for run in 1..=n_runs {
        let private = openssl_speed()?;
        let load = load(&home, &script, seconds, n_clients)?;
        say::note(&format!(
            "run {run}: openssl {private:.0}/s, unwrap {:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
            load.rate, load.p50_ms, load.p99_ms
        ));
        ratios.push(load.rate / private);
        rates.push(load.rate);
        privates.push(private);
        middle.push(load.p50_ms);
        slow.push(load.p99_ms);
    }
    home.stop()?;
    let section = report(&[ratios, rates, privates, middle, slow], seconds, n_clients, &work)?;
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "keyvault", &section)
}

/// Makes the key and one wrapped value, and writes the load's script: readable by us only, since
/// a token stands in it.
fn prepare(home: &VaultHome, work: &Path) -> Outcome<PathBuf> {
    home.pgkeep(&["keyvault", "key", "create", "--vault-name", home.vault(), "-n", "bench"])?;
    let token = home.token()?;
    // 32 bytes of zeros, as base64url.
    let body = format!(r#"{{"alg":"RSA-OAEP-256","value":"{}"}}"#, "A".repeat(43));
    let answer = home.post("/keys/bench/wrapkey", &token, &body)?;
    let wrapped = text_field(&answer, "value")?;
    let body = format!(r#"{{"alg":"RSA-OAEP-256","value":"{wrapped}"}}"#);
    let script = format!(
        "wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = \
         'application/json'\nwrk.headers['Authorization'] = 'Bearer {token}'\n\
         local failed = 0\nfunction response(status) if status ~= 200 then failed = failed + 1; \
         print('status ' .. status) end end\n"
    );
    let path = work.join("load.lua");
    vault_home::write_private(&path, &script)?;
    Ok(path)
}

/// Puts every thread of the vault on one core.
fn pin(home: &VaultHome) -> Outcome {
    let pid = home.vault_pid()?;
    proc::capture(Command::new("taskset").args(["-a", "-c", "-p", VAULT_CORE, &pid])).map(drop)
}

/// Private RSA-2048 operations a second of OpenSSL on the vault's core.
fn openssl_speed() -> Outcome<f64> {
    let mut command = Command::new("taskset");
    command.args(["-c", VAULT_CORE, "openssl", "speed", "-mr", "-seconds", "3", "rsa2048"]);
    parse_speed(&proc::capture(&mut command)?)
}

/// Reads `+F2:INDEX:2048:SIGNATURES:VERIFICATIONS` of `openssl speed -mr`: operations a second.
fn parse_speed(text: &str) -> Outcome<f64> {
    let line = text.lines().find(|line| line.starts_with("+F2:"));
    let field = line.and_then(|line| line.split(':').nth(3));
    let rate = field.and_then(|field| field.trim().parse::<f64>().ok());
    // A machine that does fewer than one a second is none: older versions print seconds here.
    rate.filter(|rate| *rate > 1.0)
        .ok_or_else(|| Failure::new("openssl speed printed something else").detail(text))
}

struct Load {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn load(home: &VaultHome, script: &Path, seconds: u32, n_clients: u32) -> Outcome<Load> {
    let mut command = Command::new("taskset");
    command.args(["-c", LOAD_CORE, "wrk", "-t1", "--latency"]);
    command.arg(format!("-c{n_clients}")).arg(format!("-d{seconds}s"));
    command.arg("-s").arg(script);
    command.arg(home.url("/keys/bench/unwrapkey"));
    parse_load(&proc::capture(&mut command)?)
}

fn parse_load(text: &str) -> Outcome<Load> {
    let odd = || Failure::new("wrk printed something else").detail(proc::tail(text, 30));
    if text.contains("status ") || text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(Failure::new("not every unwrap was answered").detail(proc::tail(text, 30)));
    }
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).ok_or_else(odd)
    };
    Ok(Load {
        rate: after("Requests/sec:")?.parse().map_err(|_| odd())?,
        p50_ms: milliseconds(after("50%")?).ok_or_else(odd)?,
        p99_ms: milliseconds(after("99%")?).ok_or_else(odd)?,
    })
}

/// `1.23ms`, `456.00us`, `1.20s`.
fn milliseconds(text: &str) -> Option<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(Ok(number)) = text.strip_suffix(unit).map(str::parse::<f64>) {
            return Some(number * factor);
        }
    }
    None
}

fn text_field(json: &str, name: &str) -> Outcome<String> {
    let start = format!("\"{name}\":\"");
    let rest = json.split_once(&start).map(|(_, rest)| rest);
    let value = rest.and_then(|rest| rest.split('"').next());
    value
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("the answer has no {name}")).detail(json))
}

fn report(
    figures: &[Vec<f64>; 5],
    seconds: u32,
    n_clients: u32,
    work: &WorkDir,
) -> Outcome<String> {
    let of = |numbers: &Vec<f64>| {
        Spread::of(numbers).ok_or_else(|| Failure::new("nothing was measured"))
    };
    let [ratios, rates, privates, middle, slow] = figures;
    Ok(format!(
        "| RSA-2048 unwrap through the REST API, vault on one core | |\n|---|---|\n\
         | unwraps a second | {} |\n| `openssl speed rsa2048`, private operations a second | {} \
         |\n| ratio | {} |\n| p50 | {} ms |\n| p99 | {} ms |\n\n\
         `cargo xtask bench keyvault --runs {} --seconds {seconds} --clients {n_clients}`; TLS 1.3 \
         with kept connections, every answer audited durably first; {}.\n",
        of(rates)?.figure(),
        of(privates)?.figure(),
        of(ratios)?.ratio(),
        of(middle)?.ratio(),
        of(slow)?.ratio(),
        ratios.len(),
        machine::describe(work.path())
    ))
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, parse_load, parse_speed, text_field};

    #[test]
    fn reads_openssl() {
        let text = "+H\n+F2:2:2048:2816.9:99000.0\n";
        assert_eq!(parse_speed(text).unwrap(), 2816.9);
        assert!(parse_speed("nothing").is_err());
        assert!(parse_speed("+F2:2:2048:0.000355:0.000010").is_err());
    }

    #[test]
    fn reads_wrk() {
        let text = "  Latency Distribution\n     50%    4.05ms\n     75%    5ms\n     \
                    99%   12.34ms\n  100 requests in 1s\nRequests/sec:   2345.67\n";
        let load = parse_load(text).unwrap();
        assert_eq!((load.rate, load.p50_ms, load.p99_ms), (2345.67, 4.05, 12.34));
        assert!(parse_load(&format!("status 503\n{text}")).is_err());
        assert!(parse_load("").is_err());
        assert_eq!(milliseconds("456.00us"), Some(0.456));
        assert_eq!(milliseconds("1.20s"), Some(1200.0));
        assert_eq!(milliseconds("x"), None);
    }

    #[test]
    fn reads_a_field() {
        assert_eq!(text_field(r#"{"kid":"k","value":"v"}"#, "value").unwrap(), "v");
        assert!(text_field("{}", "value").is_err());
    }
}
