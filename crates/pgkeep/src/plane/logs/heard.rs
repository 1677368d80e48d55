//! Records that listeners hear: syslog, and CEF in its envelope. Who sends them keeps no place, so
//! they are stored as they come.

use std::net::IpAddr;
use std::sync::Arc;

use base::Fault;
use kql::value::Value;
use siem::{Defect, Intake, Origin, Output, Reason, Record, Settings};

use super::feed::{Feed, Kept, Refusal};
use super::intake::came_of;
use super::sources::{Came, Known};
use super::{Logs, now};

/// What reads them.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    syslog: Arc<siem::Parser>,
    cef: Arc<siem::Parser>,
    /// Name of this machine.
    collector: String,
}

/// A record as it came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// Where it stands in its connection; 0 for a datagram.
    pub(crate) offset: u64,
    pub(crate) defect: Option<Defect>,
}

impl Readers {
    /// Divides a stream into records.
    pub(crate) fn splitter(&self) -> siem::Splitter {
        self.syslog.splitter(0)
    }

    fn feed(&self, parser: &Arc<siem::Parser>, source: &str, from: IpAddr) -> Feed {
        let given = [("host_ip", from.to_string()), ("collector", self.collector.clone())];
        let given = given.map(|(name, value)| (name.to_owned(), Value::text(value))).to_vec();
        Feed { parser: Arc::clone(parser), origin: Origin { source: source.into(), given } }
    }
}

impl Logs {
    /// What reads records that listeners hear. Times without a zone are of this machine's.
    pub(crate) fn readers(&self) -> Result<Readers, Fault> {
        let settings =
            Settings { timezone: Some(jiff::tz::TimeZone::system()), ..Settings::default() };
        let parser = |name: &str| {
            self.library.parser(name, &settings).map(Arc::new).map_err(|e| {
                Fault::from_error("internal", format!("the parser {name} is wrong"), &e)
            })
        };
        // Empty where the machine does not say its name.
        let collector = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let collector = collector.trim().to_owned();
        Ok(Readers { syslog: parser("syslog")?, cef: parser("cef")?, collector })
    }

    /// Stores records of one address, all or, on a failure that passes, none. Blocks.
    pub(crate) fn hear(
        &self,
        readers: &Readers,
        from: IpAddr,
        records: &[Heard],
    ) -> Result<(), Fault> {
        let name = source(from);
        let known = Known { name: &name, kind: "syslog", parser: "syslog", reports: false };
        let came = self.store_heard(readers, &name, from, records);
        self.sources.note(known, None, came.as_ref().copied());
        came.map(drop)
    }

    fn store_heard(
        &self,
        readers: &Readers,
        name: &str,
        from: IpAddr,
        records: &[Heard],
    ) -> Result<Came, Fault> {
        let received_at = now();
        let feeds = [&readers.syslog, &readers.cef].map(|parser| readers.feed(parser, name, from));
        let intake = |feed: &Feed| Intake::new(Arc::clone(&feed.parser), feed.origin.clone());
        let [mut syslog, mut cef] = feeds.each_ref().map(intake);
        let mut came = Came::default();
        for Heard { bytes, offset, defect } in records {
            let record = Record { bytes, offset: *offset, defect: *defect };
            let intake = if is_cef(bytes) { &mut cef } else { &mut syslog };
            intake.parse(&record, received_at);
            came.n_bytes += bytes.len() as u64;
        }
        let mut output = Output::default();
        for part in [syslog.take(), cef.take()] {
            let part_came = came_of(&part);
            came.n_events += part_came.n_events;
            came.n_dead += part_came.n_dead;
            came.newest = came.newest.max(part_came.newest);
            output.batches.extend(part.batches);
            output.dead.extend(part.dead);
        }
        match self.store_output(output, None) {
            Ok(()) => Ok(came),
            Err(Refusal::All(fault)) => Err(fault),
            Err(Refusal::Rows(why)) => {
                for (feed, wants_cef) in feeds.iter().zip([false, true]) {
                    let own = records.iter().filter(|record| is_cef(&record.bytes) == wants_cef);
                    let kept = own.map(|record| Kept {
                        bytes: record.bytes.clone(),
                        offset: record.offset,
                        end: 0,
                        defect: record.defect,
                    });
                    came.n_dead +=
                        self.one_by_one(feed, kept.collect(), received_at, None, &why)?;
                }
                Ok(came)
            }
        }
    }

    /// Writes down that records were lost before they were read. Blocks.
    pub(crate) fn note_lost(
        &self,
        readers: &Readers,
        from: IpAddr,
        why: String,
    ) -> Result<(), Fault> {
        let feed = readers.feed(&readers.syslog, &source(from), from);
        let none = Kept { bytes: Vec::new(), offset: 0, end: 0, defect: None };
        let letter = feed.letter(Reason::Incomplete, why, &none, now());
        let output = Output { batches: Vec::new(), dead: vec![letter] };
        self.store_output(output, None).map_err(Refusal::into_fault)
    }
}

fn source(from: IpAddr) -> String {
    format!("syslog/{}", from.to_canonical())
}

/// Whether a record holds CEF: `CEF:` and a version, near its beginning.
fn is_cef(bytes: &[u8]) -> bool {
    /// A header of syslog is not longer.
    const HEADER: usize = 1024;
    let begin = &bytes[..bytes.len().min(HEADER)];
    begin.windows(6).any(|word| {
        word.starts_with(b"CEF:")
            && word[4].is_ascii_digit()
            && (word[5] == b'|' || word[5] == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cef_is_known_by_its_beginning() {
        assert!(is_cef(b"<14>Nov 27 13:59:05 fw CEF:0|a|b|1|x|y|5|src=10.0.0.1"));
        assert!(is_cef(b"CEF:1|"));
        for other in ["", "CEF:", "<13>1 - - - - - - they say CEF:no", "CEF:0"] {
            assert!(!is_cef(other.as_bytes()), "{other}");
        }
    }
}
