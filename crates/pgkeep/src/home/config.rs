//! `config.toml`: what an installation was told. Written by the first `up`, kept when edited.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use serde::Deserialize;

use super::Home;
use crate::objects::LakeSettings;
use crate::workers::WorkersSettings;

/// The settings; a missing file is a file without any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Port of the API and the portal.
    pub(crate) https_port: Option<u16>,
    /// HTTPS port of the key vaults; part of every key's address.
    pub(crate) vault_port: Option<u16>,
    /// Loopback port of the identity endpoint.
    pub(crate) identity_port: Option<u16>,
    /// Folder of PostgreSQL's programs; empty means the newest supported one that is installed.
    pub(crate) postgresql_bindir: Option<PathBuf>,
    /// Names of variables that vault and agents get from the environment of `pgkeep up`: for
    /// libraries that read their settings there, and Azure's `IDENTITY_ENDPOINT` and
    /// `IDENTITY_HEADER`.
    #[serde(default)]
    pub(crate) pass_environment: Vec<String>,
    /// Tokens that hold keys: an HSM, a smart card, a TPM.
    #[serde(default)]
    pub(crate) pkcs11: Pkcs11,
    /// Where logs and spans go besides the files.
    pub(crate) otlp: Option<OtlpSettings>,
    /// Who may send events without being asked.
    #[serde(default)]
    pub(crate) logs: LogsSettings,
}

/// The table `[logs]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogsSettings {
    /// Listeners for syslog.
    pub(crate) syslog: SyslogSettings,
    /// A listener for OpenTelemetry.
    pub(crate) otlp: OtlpListenerSettings,
    /// Workers that answer parts of queries.
    pub(crate) workers: WorkersSettings,
    /// Where tables lie.
    pub(crate) lake: LakeSettings,
}

/// The table `[logs.otlp]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OtlpListenerSettings {
    /// OTLP over plain HTTP, without a sign-in: on loopback only.
    pub(crate) http: Option<SocketAddr>,
}

/// The table `[logs.syslog]`: addresses with ports, each off unless it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SyslogSettings {
    /// RFC 5426.
    pub(crate) udp: Option<SocketAddr>,
    /// RFC 6587.
    pub(crate) tcp: Option<SocketAddr>,
    /// RFC 5425, with a certificate of the internal authority.
    pub(crate) tls: Option<SocketAddr>,
}

/// The table `[otlp]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtlpSettings {
    /// Address of the collector: OTLP as protobuf over HTTP, below `/v1`.
    pub(crate) endpoint: String,
    /// Full path of a file with headers for the collector, one `name: value` a line.
    pub(crate) headers_file: Option<PathBuf>,
}

/// The table `[pkcs11]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pkcs11 {
    /// Variables with their values, no secrets, for vault and agents: what the token's library
    /// reads, for example `SOFTHSM2_CONF`.
    pub(crate) environment: BTreeMap<String, String>,
    /// The key that `pgkeep vault rekey --seal pkcs11` seals the vault with.
    pub(crate) seal: Option<SealKeySettings>,
}

/// The table `[pkcs11.seal]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealKeySettings {
    /// Full path of the library that reaches the token.
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) token: Option<String>,
    /// The token's serial number.
    pub(crate) serial: Option<String>,
    /// The key's label.
    pub(crate) key: String,
    /// The key's id in hex, where one label has several.
    pub(crate) id: Option<String>,
    /// Full path of the file with the PIN: mode 0600, of the vault's OS user.
    pub(crate) pin_file: Option<PathBuf>,
    /// Instead of a file: the name of a systemd credential with the PIN.
    pub(crate) pin_credential: Option<String>,
}

/// Nobody sets more.
const MAX_VARIABLES: usize = 64;
const MAX_VALUE_BYTES: usize = 4096;

const HEAD: &str = "\
# Settings of this pgkeep installation. `pgkeep up` reads them and keeps what you change.

";

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// `config` when it cannot be read or has a line that is not understood.
    pub(crate) fn load(home: &Home) -> Result<Self, Fault> {
        let path = home.config();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => {
                let message = format!("could not read {}", path.display());
                return Err(Fault::from_error("config", message, &e));
            }
        };
        let understood = toml::from_str(&text).map_err(|e| e.to_string().trim_end().to_owned());
        understood.and_then(Self::checked).map_err(|why| {
            Fault::new("config", format!("{} is not understood", path.display()))
                .detail(why)
                .hint("correct it, or move it away to get a new one")
                .exit(ExitCode::Usage)
        })
    }

    fn checked(self) -> Result<Self, String> {
        let set = &self.pkcs11.environment;
        if self.pass_environment.len() + set.len() > MAX_VARIABLES {
            return Err(format!("more than {MAX_VARIABLES} variables"));
        }
        for name in self.pass_environment.iter().chain(set.keys()) {
            may_be_set(name)?;
        }
        if let Some(otlp) = &self.otlp {
            otlp.check()?;
        }
        if self.logs.otlp.http.is_some_and(|at| !at.ip().is_loopback()) {
            return Err("http in [logs.otlp] is no address of loopback; others send to the API's \
                        HTTPS port with a token"
                .to_owned());
        }
        self.logs.lake.check()?;
        for (name, value) in set {
            if value.len() > MAX_VALUE_BYTES || value.contains('\0') {
                return Err(format!("the value of {name} in [pkcs11.environment] is none"));
            }
        }
        Ok(self)
    }

    /// The variables of vault and agents that this file asks for: what is set in it, then what is
    /// handed on from `outer`.
    pub(crate) fn environment(
        &self,
        outer: impl Fn(&str) -> Option<OsString>,
    ) -> Vec<(String, OsString)> {
        let passed = self.pass_environment.iter();
        let passed = passed.filter_map(|name| Some((name.clone(), outer(name)?)));
        let set = &self.pkcs11.environment;
        let set = set.iter().map(|(name, value)| (name.clone(), value.into()));
        passed.chain(set).collect()
    }

    /// Writes ports into the file, leaving every other line as it is.
    pub(crate) fn keep_ports(home: &Home, ports: &[(&str, u16)]) -> Result<(), Fault> {
        let path = home.config();
        let old = std::fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
        let new = ports
            .iter()
            .fold(old.clone(), |text, (key, port)| with_value(&text, key, &port.to_string()));
        if new == old && path.exists() {
            return Ok(());
        }
        write_public(&path, new.as_bytes())
    }
}

impl OtlpSettings {
    /// Refuses an address that is none, or that holds a secret for everybody to read.
    fn check(&self) -> Result<(), String> {
        let address = reqwest::Url::parse(&self.endpoint).ok().filter(|address| {
            let is_http = ["http", "https"].contains(&address.scheme()) && address.has_host();
            let has_name = !address.username().is_empty() || address.password().is_some();
            is_http && !has_name && address.query().is_none() && address.fragment().is_none()
        });
        if address.is_none() || self.endpoint.len() > MAX_VALUE_BYTES {
            return Err("the endpoint in [otlp] is no plain http or https address".to_owned());
        }
        if self.headers_file.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err("headers_file in [otlp] is no full path".to_owned());
        }
        Ok(())
    }
}

/// Refuses variables by which another program would run, or pgkeep behave otherwise.
fn may_be_set(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && !name.as_bytes()[0].is_ascii_digit();
    if !is_name {
        let shown: String = name.chars().take(64).collect();
        return Err(format!("\"{shown}\" is no name of a variable"));
    }
    let own = ["LD_", "PGKEEP_", "MALLOC_", "GLIBC_", "RUST_"];
    if own.iter().any(|prefix| name.starts_with(prefix)) || ["PATH", "LANG"].contains(&name) {
        return Err(format!("the variable {name} cannot be set for the processes of pgkeep"));
    }
    Ok(())
}

/// `text` with the top-level line of `key` replaced, or added in front of the first table.
fn with_value(text: &str, key: &str, value: &str) -> String {
    let is_key = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut result = String::new();
    let mut done = false;
    for line in text.lines() {
        if !done && (is_key(line) || line.trim_start().starts_with('[')) {
            let _ = writeln!(result, "{key} = {value}");
            done = true;
            if is_key(line) {
                continue;
            }
        }
        let _ = writeln!(result, "{line}");
    }
    if !done {
        let _ = writeln!(result, "{key} = {value}");
    }
    result
}

/// Replaces a file that everyone may read, durably: the old or the new one, never half of one.
pub(super) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt as _;
    let write = || -> std::io::Result<()> {
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, bytes)?;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o644))?;
        std::fs::File::open(&temporary)?.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write()
        .map_err(|e| Fault::from_error("file", format!("could not write {}", path.display()), &e))
}

#[cfg(test)]
mod tests {
    use super::{Config, HEAD, with_value};

    #[test]
    fn keeps_what_a_person_wrote() {
        let text = "# mine\nhttps_port=1 # old\npostgresql_bindir = \"/x\"\n";
        let new = with_value(text, "https_port", "2");
        assert_eq!(new, "# mine\nhttps_port = 2\npostgresql_bindir = \"/x\"\n");
        assert_eq!(with_value("", "https_port", "2"), "https_port = 2\n");
        assert_eq!(with_value("[t]\nx = 1\n", "a", "2"), "a = 2\n[t]\nx = 1\n");
    }

    #[test]
    fn variables_are_listed_by_name_and_some_never_pass() {
        let config = |text: &str| toml::from_str::<Config>(text).unwrap().checked();
        let text = "pass_environment = [\"IDENTITY_HEADER\", \"SOFTHSM2_CONF\", \"ABSENT\"]\n\
                    [pkcs11.environment]\nSOFTHSM2_CONF = \"/c\"\n";
        let outer = |name: &str| (name != "ABSENT").then(|| "outer".into());
        let variables = config(text).unwrap().environment(outer);
        let names: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.to_str())).collect();
        let expected = [
            ("IDENTITY_HEADER", Some("outer")),
            ("SOFTHSM2_CONF", Some("outer")),
            // The later one counts.
            ("SOFTHSM2_CONF", Some("/c")),
        ];
        assert_eq!(names, expected);
        assert!(Config::default().environment(outer).is_empty(), "nothing passes by itself");
        for bad in ["LD_PRELOAD", "PGKEEP_HOME", "PATH", "", "a", "1A", "A B", "A=B"] {
            assert!(config(&format!("pass_environment = [{bad:?}]")).is_err(), "{bad}");
            let text = format!("[pkcs11.environment]\n{bad:?} = \"x\"");
            assert!(config(&text).is_err(), "{bad}");
        }
        assert!(config("[pkcs11.environment]\nA = \"\\u0000\"").is_err());
    }

    #[test]
    fn a_key_of_a_token_is_named_in_a_table_of_its_own() {
        let text = "[pkcs11.seal]\nmodule = \"/m.so\"\ntoken = \"t\"\nkey = \"k\"\n";
        let text = with_value(text, "https_port", "8443");
        let config: Config = toml::from_str(&text).unwrap();
        let seal = config.pkcs11.seal.unwrap();
        assert_eq!((seal.token.as_deref(), seal.key.as_str()), (Some("t"), "k"));
        assert!(toml::from_str::<Config>(&format!("{text}pin = \"1234\"\n")).is_err());
    }

    #[test]
    fn a_collector_is_an_address_without_secrets() {
        let config =
            |text: &str| toml::from_str::<Config>(&format!("[otlp]\n{text}\n")).unwrap().checked();
        for good in ["http://127.0.0.1:4318", "https://collector.example/otlp/"] {
            let text = format!("endpoint = {good:?}\nheaders_file = \"/h\"");
            assert!(config(&text).is_ok(), "{good}");
        }
        for bad in ["", "x", "grpc://a", "http://a:b@c", "http://c?token=1", "http://c#1"] {
            assert!(config(&format!("endpoint = {bad:?}")).is_err(), "{bad}");
        }
        assert!(config("endpoint = \"http://a\"\nheaders_file = \"h\"").is_err());
        assert!(toml::from_str::<Config>("[otlp]\nendpoint = \"x\"\ntoken = \"x\"").is_err());
    }

    #[test]
    fn listeners_are_addresses_with_ports_and_off_by_themselves() {
        let config = |text: &str| toml::from_str::<Config>(&format!("[logs.syslog]\n{text}\n"));
        assert_eq!(config("").unwrap().logs, Config::default().logs);
        let config_of = config("udp = \"127.0.0.1:5514\"\ntls = \"[::]:6514\"").unwrap();
        let syslog = config_of.logs.syslog;
        assert_eq!(syslog.udp.unwrap().port(), 5514);
        assert!(syslog.tcp.is_none() && syslog.tls.unwrap().is_ipv6());
        for bad in ["tcp = 5514", "tcp = \"localhost\"", "tcp = \"10.0.0.1\"", "tpc = \"::1\""] {
            assert!(config(bad).is_err(), "{bad}");
        }
        assert!(toml::from_str::<Config>("[logs.sylog]").is_err());
        let otlp = |at: &str| {
            toml::from_str::<Config>(&format!("[logs.otlp]\nhttp = \"{at}\"")).unwrap().checked()
        };
        assert!(otlp("127.0.0.1:4318").is_ok() && otlp("[::1]:4318").is_ok());
        assert!(otlp("0.0.0.0:4318").is_err() && otlp("192.0.2.1:4318").is_err());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(toml::from_str::<Config>("http_port = 1").is_err());
        assert!(toml::from_str::<Config>("https_port = 70000").is_err());
        assert!(toml::from_str::<Config>("vault_port = \"9443\"").is_err());
        let config: Config = toml::from_str(&with_value(HEAD, "https_port", "8443"))
            .expect("because it is what we write");
        assert_eq!(config.https_port, Some(8443));
        assert_eq!((config.vault_port, config.identity_port), (None, None));
    }
}
