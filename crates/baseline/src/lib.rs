//! Checks of a running PostgreSQL: evidence is collected once, verdicts are given from it.
//!
//! What is checked stands in `content/checks`, what is read in `content/evidence`; no check, no
//! condition and no identifier is in the code. An assessment writes nothing.
//!
//! | file | what is in it |
//! |---|---|
//! | `check`, `evidence`, `library` | the files of `content/` as types: [`Library`] |
//! | `bundle` | [`Bundle`]: what was read, with what could not be; JSON, hashed |
//! | `collect` | [`collect`]: fills a bundle from a server: SQL, its host, its log, from outside |
//! | `feed` | [`Feeds`]: what is known of vulnerabilities and versions |
//! | `derive` | tables that are computed from others |
//! | `declared` | [`Declared`]: what somebody says is meant to be so |
//! | `rules` | runs a rule (KQL) over a bundle |
//! | `judge`, `assess` | [`assess`]: verdicts, one a check |
//! | `waiver` | [`waive`]: failures that somebody answers for, until a day |
//! | `drift` | [`Drift`]: what is different between two assessments |
//! | `fix` | plans, makes, proves and takes back what mends a failure |
//! | `report` | an assessment as SARIF, JUnit, HDF, OSCAL, OCSF or a page |

mod assess;
mod bundle;
mod check;
mod collect;
mod content;
mod declared;
mod derive;
mod drift;
mod error;
mod evidence;
mod feed;
pub mod fix;
mod judge;
mod library;
pub mod report;
mod rules;
mod waiver;

pub use assess::{Assessment, FeedState, Finding, Outcome, assess};
pub use bundle::{Bundle, Gap, State, TableEvidence};
pub use check::{
    Access, Check, Example, ExampleFile, Fix, FixClass, Majors, Profile, Rules, Severity,
};
pub use collect::{Connect, Connecting, Host, LogSource, Place, Request, Sources, collect};
pub use declared::Declared;
pub use derive::{Answer, Simulated, simulate};
pub use drift::{Drift, Drifted};
pub use error::{Error, Result};
pub use evidence::{Evidence, Scope};
pub use feed::{FeedAbout, FeedKind, Feeds, Imported, import};
pub use judge::{Judgement, Verdict};
pub use library::Library;
pub use waiver::{Waived, Waiver, waive};
