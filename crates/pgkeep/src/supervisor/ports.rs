//! Which port the status page gets.

use base::{ExitCode, Fault};

use super::Report;
use crate::home::Config;
use crate::plane::is_free;

const FIRST_PORT: u16 = 8443;
const PORTS_TRIED: u16 = 200;

/// As asked, else as configured, else the first free one; whatever was not wished is said aloud.
pub(super) fn https_port(
    config: &Config,
    asked: Option<u16>,
    report: &Report,
) -> Result<u16, Fault> {
    if let Some(port) = asked {
        return if is_free(port) {
            Ok(port)
        } else {
            Err(Fault::new("port_taken", format!("port {port} is in use"))
                .detail("it was asked for with --https-port")
                .hint("name another, or leave it out to get the next free one")
                .exit(ExitCode::Conflict))
        };
    }
    let first = config.https_port.unwrap_or(FIRST_PORT);
    let port = (first..=first.saturating_add(PORTS_TRIED)).find(|port| is_free(*port));
    match port {
        Some(port) if port == first => Ok(port),
        Some(port) => {
            report.say(&format!("port {first} is in use; the status page gets port {port}"));
            Ok(port)
        }
        None => Err(Fault::new("port_taken", "no free port was found for the status page")
            .detail(format!("tried {PORTS_TRIED} from {first}"))
            .hint("name one with --https-port")
            .exit(ExitCode::Conflict)),
    }
}
