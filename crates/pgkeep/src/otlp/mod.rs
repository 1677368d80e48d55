//! Logs and spans as OTLP to a collector, besides the files in `log/`: a part of the build that is
//! chosen (feature `otlp`). Nothing waits for the collector: what it does not take in time is
//! dropped, and the log says so once.

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod export;

use tracing_subscriber::{Layer, Registry};

use crate::home::{Config, Home};

/// What `up` says when the configuration asks for what this build cannot do.
const NOT_BUILT: &str = "[otlp] in config.toml is without effect: this pgkeep was built without \
                         the feature otlp, nothing is exported";

/// A layer of the process's subscriber.
pub(crate) type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The export of one process.
#[derive(Default)]
pub(crate) struct Export {
    /// To be put into the subscriber; absent when nothing is exported.
    pub(crate) layer: Option<BoxedLayer>,
    /// Why nothing is exported although it was asked for.
    pub(crate) failure: Option<String>,
    #[cfg(feature = "otlp")]
    providers: Option<export::Providers>,
}

/// The warning of `up` about this configuration.
pub(crate) fn warning(config: &Config) -> Option<&'static str> {
    (config.otlp.is_some() && !cfg!(feature = "otlp")).then_some(NOT_BUILT)
}

impl Export {
    /// Begins what the home's configuration asks for; `process` is the name of the service, and
    /// `instance` tells several of that name apart.
    pub(crate) fn begin(home: &Home, process: &str, instance: &str) -> Self {
        let settings = match Config::load(home) {
            Ok(config) => config.otlp,
            Err(fault) => return Self::failed(fault.detail.unwrap_or(fault.message)),
        };
        match settings {
            None => Self::default(),
            #[cfg(feature = "otlp")]
            Some(settings) => match export::begin(&settings, process, instance) {
                Ok((layer, providers)) => {
                    Self { layer: Some(layer), failure: None, providers: Some(providers) }
                }
                Err(why) => Self::failed(why),
            },
            #[cfg(not(feature = "otlp"))]
            Some(_) => {
                let _ = (process, instance);
                Self::failed(NOT_BUILT.to_owned())
            }
        }
    }

    fn failed(why: String) -> Self {
        Self { failure: Some(why), ..Self::default() }
    }

    /// Sends what is left, for a moment at most.
    pub(crate) fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(providers) = self.providers {
            providers.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_cannot_export_says_so() {
        let config = |text: &str| toml::from_str::<Config>(text).unwrap();
        assert_eq!(warning(&config("")), None);
        let asked = config("[otlp]\nendpoint = \"http://127.0.0.1:4318\"\n");
        assert_eq!(warning(&asked).is_some(), cfg!(not(feature = "otlp")));
    }
}
