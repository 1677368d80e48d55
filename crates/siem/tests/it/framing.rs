//! Any bytes, divided anywhere: the same records, and no panic.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use siem::{Defect, Framing, Intake, Library, Origin, Parser, Settings, Splitter, parser_files};

static PARSERS: LazyLock<Vec<Arc<Parser>>> = LazyLock::new(|| {
    let library = Library::new().unwrap();
    let parser = |name: &str| Arc::new(library.parser(name, &Settings::default()).unwrap());
    parser_files().iter().map(|(name, _)| parser(name)).collect()
});

type Owned = (Vec<u8>, u64, Option<Defect>);

fn drain(splitter: &mut Splitter, out: &mut Vec<Owned>) {
    while let Some(record) = splitter.next_record() {
        out.push((record.bytes.to_vec(), record.offset, record.defect));
    }
}

fn records(mut splitter: Splitter, pieces: &[&[u8]]) -> Vec<Owned> {
    let mut out = Vec::new();
    for piece in pieces {
        splitter.feed(piece);
        drain(&mut splitter, &mut out);
    }
    splitter.finish();
    drain(&mut splitter, &mut out);
    out
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\t",
        "\"",
        "\"\"",
        ",",
        "a",
        "12 ",
        "<13>",
        "\0",
        "ERROR:  x",
        "DETAIL:  y",
        "2026-11-27 13:59:05.104 UTC [12] ",
        "2026-11-27 13:59:05.104 UTC [13] ",
        "{",
        "}",
        "{\"timestamp\":\"2026-11-27 13:59:05 UTC\"}",
        "AUDIT: ",
        "ä",
    ]);
    let bytes = prop_oneof![
        9 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(bytes, 0..60).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn divisions_do_not_matter(bytes in input(), at in any::<prop::sample::Index>()) {
        let stderr = PARSERS.iter().find(|parser| parser.name() == "postgresql-stderr").unwrap();
        let at = at.index(bytes.len() + 1);
        for i in 0..5 {
            let again = || match i {
                0 => Splitter::new(Framing::Lines, 7),
                1 => Splitter::new(Framing::Csv, 7),
                2 => Splitter::new(Framing::Syslog, 7),
                3 => Splitter::new(Framing::Whole, 7),
                _ => stderr.splitter(7),
            };
            let whole = records(again(), &[&bytes]);
            prop_assert_eq!(&whole, &records(again(), &[&bytes[..at], &bytes[at..]]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&whole, &records(again(), &single));
            for (record, offset, _) in &whole {
                let from = usize::try_from(offset - 7).unwrap();
                prop_assert_eq!(&bytes[from..from + record.len()], &record[..]);
            }
        }
    }

    #[test]
    fn every_record_becomes_a_row_or_a_dead_letter(bytes in input()) {
        for parser in &*PARSERS {
            let parser = Arc::clone(parser);
            let mut splitter = parser.splitter(0);
            let origin = Origin { source: "any".into(), given: Vec::new() };
            let mut intake = Intake::new(parser, origin);
            splitter.feed(&bytes);
            splitter.finish();
            while let Some(record) = splitter.next_record() {
                intake.parse(&record, 0);
                let output = intake.take();
                prop_assert!(!output.batches.is_empty() || !output.dead.is_empty());
                for batch in output.batches {
                    let n_rows = batch.n_rows();
                    prop_assert!(batch.columns.iter().all(|c| c.len() == n_rows || c.len() == 1));
                }
            }
        }
    }
}

#[test]
fn a_long_line_is_cut_and_the_next_one_is_whole() {
    let mut bytes = vec![b'x'; siem::RECORD_MAX + 10];
    bytes.extend(b"\nnext\n");
    let pieces: Vec<&[u8]> = bytes.chunks(1 << 18).collect();
    let got = records(Splitter::new(Framing::Lines, 0), &pieces);
    assert_eq!(got.len(), 2);
    assert_eq!((got[0].0.len(), got[0].2), (siem::RECORD_MAX, Some(Defect::TooLong)));
    assert_eq!(got[1].0, b"next");
    assert_eq!(got, records(Splitter::new(Framing::Lines, 0), &[&bytes]));
}

#[test]
fn a_record_that_was_cut_off_does_not_swallow_the_next() {
    let bytes = b"1,\"cut off\n2,\"good\"\n3,\"good\"\n";
    let got = records(Splitter::new(Framing::Csv, 0), &[bytes]);
    let texts: Vec<&[u8]> = got.iter().map(|(bytes, ..)| &bytes[..]).collect();
    assert_eq!(texts, [&b"1,\"cut off"[..], b"2,\"good\"", b"3,\"good\""]);
    assert_eq!(got[0].2, Some(Defect::Structure));
}
