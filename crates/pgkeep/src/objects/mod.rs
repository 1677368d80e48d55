//! Where the tables of the log lake lie, when that is an object store: seen from the plane, which
//! writes them, and from workers, which read them.

mod credentials;

use std::path::PathBuf;
use std::time::Duration;

use base::{ExitCode, Fault};
use lake::objects::{Access, Bucket, Credentials};
use serde::Deserialize;

use crate::plane;

/// A connection is there by then, and each part of an answer.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const READ_MAX: Duration = Duration::from_secs(20);
/// What `credentials` can say.
const INSTANCE: &str = "instance";
/// The URL of tables in the home, as without any.
const HOME: &str = "file";

/// The table `[logs.lake]`, and the options of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LakeSettings {
    /// Where tables lie, unless in the plane's folder: s3://bucket/prefix, gs://bucket/prefix,
    /// az://container/prefix or abfss://container@account.dfs.core.windows.net/prefix
    #[arg(long = "url", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Address of a store that is not the provider's own
    #[arg(long, value_name = "ADDRESS", requires = "url")]
    pub(crate) endpoint: Option<String>,
    /// Region of S3
    #[arg(long, value_name = "REGION", requires = "url")]
    pub(crate) region: Option<String>,
    /// Full path of a file with the keys; nobody else may read it
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) credentials_file: Option<PathBuf>,
    /// Instead of a file: the identity of this machine
    #[arg(long, value_name = "WHICH", value_parser = [INSTANCE], requires = "url")]
    pub(crate) credentials: Option<String>,
    /// The endpoint may be plain HTTP, on loopback only
    #[arg(long, requires = "url")]
    pub(crate) allow_http: bool,
}

impl LakeSettings {
    /// Refuses what can never be right, before anything is asked.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Some(url) = self.far() else {
            let rest = Self { url: None, ..self.clone() };
            return match rest == Self::default() {
                true => Ok(()),
                false => Err("[logs.lake] says how to reach tables, but no url".to_owned()),
            };
        };
        lake::objects::check(url, self.endpoint.as_deref(), self.allow_http)
            .map_err(|e| format!("[logs.lake]: {e}"))?;
        match (&self.credentials_file, self.credentials.as_deref()) {
            (Some(_), Some(_)) => {
                Err("credentials_file and credentials in [logs.lake] exclude each other".to_owned())
            }
            (Some(path), None) if !path.is_absolute() => {
                Err("credentials_file in [logs.lake] is no full path".to_owned())
            }
            (None, Some(INSTANCE)) | (Some(_), None) => Ok(()),
            (None, Some(_)) => {
                Err(format!("credentials in [logs.lake] can only be \"{INSTANCE}\""))
            }
            (None, None) => Err(format!(
                "[logs.lake] does not say who asks for {url}: name a credentials_file, or set \
                 credentials = \"{INSTANCE}\" for the identity of this machine"
            )),
        }
    }

    fn far(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| *url != HOME)
    }

    /// The place, where tables do not lie in the home.
    ///
    /// # Errors
    /// Settings that are not whole, or keys that cannot be used.
    pub(crate) fn place(&self) -> Result<Option<Bucket>, Fault> {
        let unusable = |why: String| {
            Fault::new("lake_place", "the place of the log lake's tables cannot be used")
                .detail(why)
                .hint("see [logs.lake] of config.toml")
                .exit(ExitCode::Usage)
        };
        self.check().map_err(unusable)?;
        let Some(url) = self.far() else { return Ok(None) };
        let credentials = match &self.credentials_file {
            Some(path) => credentials::read(path, url)?,
            None => Credentials::Instance,
        };
        let access = Access {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            allow_http: self.allow_http,
            credentials,
            client: client().map_err(unusable)?,
        };
        Bucket::open(url, &access).map(Some).map_err(|e| unusable(e.to_string()))
    }
}

fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(plane::tls_to_others(None)?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_MAX)
        .read_timeout(READ_MAX)
        .build()
        .map_err(|e| e.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::LakeSettings;

    fn check(text: &str) -> Result<(), String> {
        toml::from_str::<LakeSettings>(text).map_err(|e| e.to_string())?.check()
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        for good in [
            "",
            "url = \"file\"",
            "url = \"s3://b/p\"\ncredentials_file = \"/k\"\nregion = \"eu-central-1\"",
            "url = \"gs://b\"\ncredentials = \"instance\"",
            "url = \"az://c/p\"\ncredentials_file = \"/k\"\n\
             endpoint = \"http://127.0.0.1:10000/a\"\nallow_http = true",
        ] {
            check(good).unwrap_or_else(|why| panic!("{good}: {why}"));
        }
        for bad in [
            "region = \"x\"",
            "url = \"file\"\nallow_http = true",
            "url = \"s3://b/p\"",
            "url = \"s3://b/p\"\ncredentials_file = \"k\"",
            "url = \"s3://b/p\"\ncredentials = \"anonymous\"",
            "url = \"s3://b/p\"\ncredentials = \"instance\"\ncredentials_file = \"/k\"",
            "url = \"s3://key:hush@b/p\"\ncredentials_file = \"/k\"",
            "url = \"s3://b/p\"\ncredentials_file = \"/k\"\nendpoint = \"http://127.0.0.1:1\"",
            "url = \"s3://b/p\"\ncredentials_file = \"/k\"\nendpoint = \"http://a:1\"\n\
             allow_http = true",
            "url = \"s3://b/p\"\ncredentials_file = \"/k\"\nendpoint = \"https://a:b@c\"",
            "url = \"s3://b/p\"\ncredentials_file = \"/k\"\nsecret = \"x\"",
            "url = \"ftp://b/p\"\ncredentials_file = \"/k\"",
        ] {
            let why = check(bad).expect_err(bad);
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
