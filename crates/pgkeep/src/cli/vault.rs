//! `pgkeep vault`: the seal of the vault.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use base::{ExitCode, Fault};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::one_thread;
use super::output::{self, Format, say};
use super::vault_input::{self as input, Entered};
use crate::home::Home;
use crate::rpc;
use crate::vaultd::VaultArgs;

/// A long key and an audit record take no longer, even on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// Commands on the vault.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum VaultCommand {
    /// Show whether the vault is sealed, and how; exit code 8 when it is
    Status,
    /// Drop all keys from memory; stays so until unsealed
    Seal,
    /// Bring the keys back into memory; exit code 8 while more shares are needed
    #[command(after_help = "\
Examples:
  pgkeep vault unseal
  pgkeep vault unseal < passphrase-or-shares

A passphrase or shares are asked for on a terminal, else read from standard input, each on a line
of its own. Shares may come one by one, from several people.")]
    Unseal(UnsealCommand),
    /// Seal everything anew, by another key or another kind of seal
    #[command(after_help = "\
Examples:
  pgkeep vault rekey --seal passphrase
  pgkeep vault rekey --seal shamir --shares 5 --threshold 3
  pgkeep vault rekey --seal pkcs11
  pgkeep vault rekey --seal file

With --seal pkcs11 a key that never leaves a token (an HSM, a smart card, a TPM) seals the vault,
which opens by itself while the token is there. Which key it is stands in config.toml:
  [pkcs11.seal]
  module = \"/usr/lib/softhsm/libsofthsm2.so\"
  token = \"pgkeep\"
  key = \"vault seal\"
  pin_file = \"/etc/pgkeep/hsm.pin\"     # mode 0600, of the vault's OS user
  [pkcs11.environment]                  # what the module reads; pgkeep down and up apply it
  SOFTHSM2_CONF = \"/etc/pgkeep/softhsm2.conf\"
An RSA key needs both halves in the token; else an AES-256 key. Whoever loses the key has lost the
vault: keep a copy of it as the token's maker describes.

A passphrase is asked for on a terminal, else read from standard input. Shares are printed once
and are nowhere else: give each to another person. With a passphrase or shares the vault stays
sealed after a start until somebody unseals it.")]
    Rekey(RekeyCommand),
    #[command(hide = true)]
    Serve(VaultArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct UnsealCommand {
    /// Forget the shares that were given so far
    #[arg(long)]
    forget_shares: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct RekeyCommand {
    /// What opens the vault from now on
    #[arg(long, value_enum)]
    seal: Seal,
    /// How many shares are made [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..))]
    shares: Option<u8>,
    /// How many shares are needed [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..))]
    threshold: Option<u8>,
    /// Name of the systemd credential
    #[arg(long)]
    name: Option<String>,
}

/// Kinds of seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Seal {
    /// A key file beside the data: opens itself, the weakest
    File,
    /// A passphrase
    Passphrase,
    /// Shares for several people, of whom some must come together
    #[value(alias = "shares")]
    Shamir,
    /// A credential that systemd hands to the vault
    Credential,
    /// A key in a PKCS#11 token (HSM, smart card, TPM) that config.toml names
    Pkcs11,
}

/// Runs one command.
pub(super) fn run(home: &Home, command: &VaultCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        VaultCommand::Status | VaultCommand::Serve(_) => {
            let answer = ask(home, "status", Value::Null)?;
            output::show(format, &answer, &[])?;
            Ok(sealed_or_ok(&answer))
        }
        VaultCommand::Seal => {
            output::show(format, &ask(home, "seal", Value::Null)?, &[]).map(|()| ExitCode::Ok)
        }
        VaultCommand::Unseal(command) => unseal(home, command, format),
        VaultCommand::Rekey(command) => rekey(home, command, format),
    }
}

/// Asks the vault.
pub(super) fn ask(home: &Home, op: &str, args: Value) -> Result<Value, Fault> {
    let socket = home.socket("vault");
    one_thread()?.block_on(rpc::call_within(&socket, ANSWER_MAX, op, args, |_| {}))
}

/// Asks a person on a terminal to type `name`; elsewhere the command line was the confirmation.
pub(super) fn confirmed(question: &str, name: &str) -> Result<bool, Fault> {
    let mut stdin = std::io::stdin().lock();
    if !stdin.is_terminal() {
        return Ok(true);
    }
    say(&format!("{question} Type its name to go on:"));
    let mut line = String::new();
    stdin
        .read_line(&mut line)
        .map_err(|e| Fault::from_error("input", "could not read the confirmation", &e))?;
    Ok(line.trim() == name)
}

fn sealed_or_ok(answer: &Value) -> ExitCode {
    if answer["state"] == "unsealed" { ExitCode::Ok } else { ExitCode::Sealed }
}

fn unseal(home: &Home, command: &UnsealCommand, format: Format) -> Result<ExitCode, Fault> {
    if command.forget_shares {
        let answer = ask(home, "unseal", json!({ "forget_shares": true }))?;
        return output::show(format, &answer, &[]).map(|()| ExitCode::Ok);
    }
    let status = ask(home, "status", Value::Null)?;
    let answer = match (status["state"].as_str(), status["seal"].as_str()) {
        (Some("sealed"), Some("passphrase")) => {
            let passphrase = input::passphrase("Passphrase of the vault:")?;
            ask(home, "unseal", json!({ "passphrase": passphrase.expose() }))?
        }
        (Some("sealed"), Some("shares")) => by_shares(home, &status)?,
        _ => ask(home, "unseal", Value::Null)?,
    };
    output::show(format, &answer, &[])?;
    Ok(sealed_or_ok(&answer))
}

/// Gives shares until there are enough, or no more come.
fn by_shares(home: &Home, status: &Value) -> Result<Value, Fault> {
    let mut lines = input::Lines::new();
    let mut answer = json!({
        "state": status["state"], "changed": "unchanged", "shares": status["shares"],
    });
    while answer["state"] == "sealed" {
        let (given, needed) = (&answer["shares"]["given"], &answer["shares"]["needed"]);
        let prompt = format!("Share ({given} of {needed} given; an empty line ends):");
        let Entered::Line(share) = lines.next(&prompt)? else { break };
        answer = ask(home, "unseal", json!({ "share": share.expose() }))?;
    }
    Ok(answer)
}

fn rekey(home: &Home, command: &RekeyCommand, format: Format) -> Result<ExitCode, Fault> {
    let args = arguments(command, || input::new_passphrase("New passphrase of the vault:"))?;
    let mut answer = ask(home, "vault-rekey", args)?;
    let printed = match format {
        Format::Table => table(&answer),
        _ => output::show(format, &answer, &[]),
    };
    rpc::scrub(&mut answer);
    printed.map(|()| ExitCode::Ok)
}

/// The arguments of `vault-rekey`; a passphrase is asked for only once the rest is understood.
fn arguments(
    command: &RekeyCommand,
    passphrase: impl FnOnce() -> Result<base::Secret<String>, Fault>,
) -> Result<Value, Fault> {
    let RekeyCommand { seal, shares, threshold, name } = command;
    let usage = |message: &str| Err(Fault::new("usage", message).exit(ExitCode::Usage));
    if *seal != Seal::Shamir && (shares.is_some() || threshold.is_some()) {
        return usage("--shares and --threshold go with --seal shamir");
    }
    if name.is_some() != (*seal == Seal::Credential) {
        return usage("--name goes with --seal credential, which needs it");
    }
    Ok(match seal {
        Seal::File => json!({ "seal": "file" }),
        Seal::Passphrase => {
            json!({ "seal": "passphrase", "passphrase": passphrase()?.expose() })
        }
        Seal::Shamir => {
            let (n_shares, threshold) = (shares.unwrap_or(5), threshold.unwrap_or(3));
            if threshold > n_shares {
                return usage("--threshold is more than there are shares");
            }
            json!({ "seal": "shares", "shares": n_shares, "threshold": threshold })
        }
        Seal::Credential => json!({ "seal": "credential", "name": name }),
        Seal::Pkcs11 => json!({ "seal": "pkcs11" }),
    })
}

/// Shares on lines of their own, to be cut apart; the words about them on standard error.
fn table(answer: &Value) -> Result<(), Fault> {
    let shares = answer["shares"].as_array().map(Vec::as_slice).unwrap_or_default();
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        say(&format!("pgkeep: warning: {}", warning.as_str().unwrap_or_default()));
    }
    if shares.is_empty() {
        let seal = answer["seal"].as_str().unwrap_or_default();
        return output::print(&format!("the seal of the vault is now: {seal}\n"));
    }
    say("These shares are shown once and are nowhere else. Give each to another person.");
    for share in shares {
        output::print(share.as_str().unwrap_or_default())?;
        output::print("\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use base::Secret;

    use super::*;

    fn rekey_to(seal: Seal, shares: Option<u8>, threshold: Option<u8>) -> Result<Value, Fault> {
        let command = RekeyCommand { seal, shares, threshold, name: None };
        arguments(&command, || Ok(Secret::new("correct horse battery".to_owned())))
    }

    #[test]
    fn what_a_new_seal_needs() {
        assert_eq!(rekey_to(Seal::File, None, None).unwrap(), json!({ "seal": "file" }));
        assert_eq!(rekey_to(Seal::Pkcs11, None, None).unwrap(), json!({ "seal": "pkcs11" }));
        let five = json!({ "seal": "shares", "shares": 5, "threshold": 3 });
        assert_eq!(rekey_to(Seal::Shamir, None, None).unwrap(), five);
        let passphrase = rekey_to(Seal::Passphrase, None, None).unwrap();
        assert_eq!(passphrase["passphrase"], "correct horse battery");
        for bad in [
            rekey_to(Seal::File, Some(5), None),
            rekey_to(Seal::Passphrase, None, Some(2)),
            rekey_to(Seal::Shamir, Some(2), None),
            rekey_to(Seal::Credential, None, None),
        ] {
            assert_eq!(bad.unwrap_err().exit, ExitCode::Usage);
        }
    }
}
