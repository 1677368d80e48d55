//! Which ports the portal, the key vaults and the identity endpoint get.

use base::{ExitCode, Fault};

use super::{Report, UpArgs};
use crate::home::{Config, Home};
use crate::plane::is_free;

const PORTS_TRIED: u16 = 200;

/// The ports of one home, written into its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    /// The API and the portal.
    pub(super) https: u16,
    /// The key vaults.
    pub(super) vault: u16,
    /// The identity endpoint.
    pub(super) identity: u16,
}

/// One of them.
struct Port {
    flag: &'static str,
    what: &'static str,
    first: u16,
    asked: Option<u16>,
    configured: Option<u16>,
    /// Whether others know it: then it stays, also while another program is in its way.
    is_address: bool,
}

impl Ports {
    /// As asked, else as configured, else the first free ones.
    pub(super) fn choose(config: &Config, args: &UpArgs, report: &Report) -> Result<Self, Fault> {
        let mut chosen = Vec::new();
        let mut next = |port: &Port| {
            let number = port.choose(&chosen, &is_free, &|message| report.say(message))?;
            chosen.push(number);
            Ok::<u16, Fault>(number)
        };
        Ok(Self {
            https: next(&Port {
                flag: "--https-port",
                what: "the portal",
                first: 8443,
                asked: args.https_port,
                configured: config.https_port,
                is_address: false,
            })?,
            vault: next(&Port {
                flag: "--vault-port",
                what: "the key vaults",
                first: VAULT_PORT,
                asked: args.vault_port,
                configured: config.vault_port,
                is_address: true,
            })?,
            identity: next(&Port {
                flag: "--identity-port",
                what: "the identity endpoint",
                first: 9843,
                asked: args.identity_port,
                configured: config.identity_port,
                is_address: true,
            })?,
        })
    }

    /// Writes them down for the next time.
    pub(super) fn keep(self, home: &Home) -> Result<(), Fault> {
        let Self { https, vault, identity } = self;
        let ports = [("https_port", https), ("vault_port", vault), ("identity_port", identity)];
        Config::keep_ports(home, &ports)
    }
}

/// Where the search for the key vaults' port begins.
pub(crate) const VAULT_PORT: u16 = 9443;

impl Port {
    /// `taken` went to others of this home. Whatever was not wished is said aloud.
    fn choose(
        &self,
        taken: &[u16],
        is_free: &dyn Fn(u16) -> bool,
        say: &dyn Fn(&str),
    ) -> Result<u16, Fault> {
        let Self { flag, what, .. } = self;
        let usable = |port: u16| is_free(port) && !taken.contains(&port);
        if let Some(port) = self.asked {
            if !usable(port) {
                return Err(Fault::new("port_taken", format!("port {port} is in use"))
                    .detail(format!("it was asked for with {flag}"))
                    .hint("name another, or leave it out to get the next free one")
                    .exit(ExitCode::Conflict));
            }
            if let Some(old) = self.configured.filter(|old| self.is_address && *old != port) {
                say(&format!("{what} move from port {old} to {port}: their addresses change"));
            }
            return Ok(port);
        }
        match self.configured {
            // Another port would help nobody: the old one stands in addresses that others keep.
            Some(port) if self.is_address && !taken.contains(&port) => return Ok(port),
            _ => {}
        }
        let first = self.configured.unwrap_or(self.first);
        let port = (first..=first.saturating_add(PORTS_TRIED)).find(|port| usable(*port));
        match port {
            Some(port) if port == first => Ok(port),
            Some(port) => {
                say(&format!("port {first} is in use; {what} will use port {port}"));
                Ok(port)
            }
            None => Err(Fault::new("port_taken", format!("no free port was found for {what}"))
                .detail(format!("tried {PORTS_TRIED} from {first}"))
                .hint(format!("name one with {flag}"))
                .exit(ExitCode::Conflict)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn port(asked: Option<u16>, configured: Option<u16>, is_address: bool) -> Port {
        Port { flag: "--x-port", what: "it", first: 9443, asked, configured, is_address }
    }

    /// What comes of it while `busy` are in use and `taken` went to others.
    fn choose(port: &Port, busy: &[u16], taken: &[u16]) -> (Result<u16, Fault>, Vec<String>) {
        let said = RefCell::new(Vec::new());
        let is_free = |port: u16| !busy.contains(&port);
        let say = |message: &str| said.borrow_mut().push(message.to_owned());
        let chosen = port.choose(taken, &is_free, &say);
        (chosen, said.into_inner())
    }

    #[test]
    fn takes_the_next_free_one_and_says_so() {
        let (chosen, said) = choose(&port(None, None, true), &[9443, 9444], &[9445]);
        assert_eq!(chosen.unwrap(), 9446);
        assert_eq!(said, ["port 9443 is in use; it will use port 9446"]);
        let (chosen, said) = choose(&port(None, None, true), &[], &[]);
        assert_eq!((chosen.unwrap(), said.len()), (9443, 0));
    }

    #[test]
    fn an_address_stays_while_another_program_is_in_its_way() {
        assert_eq!(choose(&port(None, Some(9500), true), &[9500], &[]).0.unwrap(), 9500);
        assert_eq!(choose(&port(None, Some(9500), false), &[9500], &[]).0.unwrap(), 9501);
    }

    #[test]
    fn a_wish_is_granted_or_refused() {
        let (chosen, said) = choose(&port(Some(9600), Some(9500), true), &[], &[]);
        assert_eq!(chosen.unwrap(), 9600);
        assert!(said[0].contains("addresses change"), "{said:?}");
        let refused = choose(&port(Some(9600), None, true), &[9600], &[]).0.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.exit), ("port_taken", ExitCode::Conflict));
        assert!(choose(&port(Some(9600), None, true), &[], &[9600]).0.is_err());
    }
}
