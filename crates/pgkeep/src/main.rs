//! The `pgkeep` binary: command line, boot order, wiring, supervision.
//!
//! Entry points: [`cli`] for what a person types, [`supervisor`] for `pgkeep up`, [`vaultd`],
//! [`plane`] and [`agent`] for the processes behind it, [`fs`] for the file system's process.
//! This is the only crate that names clap or reads the environment.

mod agent;
mod cells;
mod cli;
mod doctor;
mod fixes;
mod fs;
mod home;
mod objects;
mod otlp;
mod plane;
mod pressure;
mod process;
mod rpc;
mod sample;
mod supervisor;
mod vaultd;
mod workers;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
