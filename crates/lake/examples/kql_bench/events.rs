//! Rows such as a security log has them: fourteen days, the same for the same number of rows.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

/// 2026-01-01 in microseconds since 1970.
const START_US: i64 = 1_767_225_600_000_000;
const SPAN_US: i64 = 14 * 86_400_000_000;
const BATCH_ROWS: usize = 65_536;
/// As DuckDB writes them.
const GROUP_ROWS: usize = 122_880;

const EVENTS: [i32; 30] = [
    4624, 4625, 4634, 4648, 4656, 4657, 4658, 4660, 4661, 4662, 4663, 4670, 4672, 4673, 4674, 4688,
    4689, 4690, 4697, 4698, 4702, 4719, 4720, 4722, 4724, 4726, 4728, 4732, 4738, 4740,
];
const SYSTEMS: [&str; 6] =
    ["Windows 11", "Windows Server 2022", "Ubuntu", "macOS", "iOS", "Android"];
const TOOLS: [&str; 12] = [
    "svchost.exe",
    "explorer.exe",
    "chrome.exe",
    "powershell.exe",
    "cmd.exe",
    "python3",
    "sshd",
    "postgres",
    "wmiprvse.exe",
    "rundll32.exe",
    "curl",
    "bash",
];
const WORDS: [&str; 16] = [
    "access", "granted", "denied", "policy", "session", "opened", "closed", "object", "handle",
    "token", "service", "request", "audit", "success", "failure", "remote",
];

/// A generator of numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Small numbers often, large ones seldom.
    fn skewed(&mut self, n: u64) -> u64 {
        let x = self.unit();
        ((x * x * x * n as f64) as u64).min(n - 1)
    }
}

struct Columns {
    time: TimestampMicrosecondBuilder,
    computer: StringBuilder,
    site: StringBuilder,
    account: StringBuilder,
    ip: StringBuilder,
    event: Int32Builder,
    level: StringBuilder,
    bytes: Int64Builder,
    duration: Float64Builder,
    message: StringBuilder,
    properties: StringBuilder,
}

impl Columns {
    fn new() -> Self {
        Self {
            time: TimestampMicrosecondBuilder::new(),
            computer: StringBuilder::new(),
            site: StringBuilder::new(),
            account: StringBuilder::new(),
            ip: StringBuilder::new(),
            event: Int32Builder::new(),
            level: StringBuilder::new(),
            bytes: Int64Builder::new(),
            duration: Float64Builder::new(),
            message: StringBuilder::new(),
            properties: StringBuilder::new(),
        }
    }

    fn row(&mut self, dice: &mut Dice, at: u64, n_rows: u64, text: &mut String) {
        let step = SPAN_US as f64 / n_rows as f64;
        let time = START_US + (at as f64 * step) as i64 + dice.below(1_000_000) as i64;
        self.time.append_value(time.min(START_US + SPAN_US - 1));
        let computer = dice.skewed(5000);
        let account = dice.skewed(20_000);
        let ip = dice.skewed(200_000);
        let event = EVENTS[dice.skewed(30) as usize];
        let port = 1024 + dice.below(60_000);
        let tool = TOOLS[dice.skewed(12) as usize];
        self.event.append_value(event);
        self.bytes.append_value((dice.unit() * dice.unit() * 1_000_000.0) as i64);
        self.duration.append_value((dice.unit() * 100_000.0).round() / 1000.0);
        self.level.append_value(match dice.below(100) {
            0 => "Error",
            1..=6 => "Warning",
            _ => "Information",
        });
        text.clear();
        let _ = write!(text, "host-{computer:04}.corp.example");
        self.computer.append_value(&text);
        text.clear();
        let _ = write!(text, "site-{:02}", computer % 97);
        self.site.append_value(&text);
        text.clear();
        let _ = write!(text, "user{account:05}@corp.example");
        self.account.append_value(&text);
        text.clear();
        let _ = write!(text, "10.{}.{}.{}", ip >> 16, (ip >> 8) & 255, ip & 255);
        self.ip.append_value(&text);
        message(dice, text, event, account, ip, port, tool);
        self.message.append_value(&text);
        text.clear();
        let _ = write!(
            text,
            "{{\"device\":{{\"os\":\"{}\",\"build\":{},\"trusted\":{}}},\"risk\":{{\"score\":{},\
             \"reasons\":[\"{}\",\"{}\"]}},\"session\":\"{:016x}\"}}",
            SYSTEMS[dice.skewed(6) as usize],
            dice.below(30_000),
            dice.below(3) > 0,
            dice.below(100),
            WORDS[dice.below(16) as usize],
            WORDS[dice.below(16) as usize],
            dice.next(),
        );
        self.properties.append_value(&text);
    }

    fn batch(&mut self, schema: &Arc<Schema>) -> Result<RecordBatch, Box<dyn Error>> {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish().with_timezone("UTC")),
            Arc::new(self.computer.finish()),
            Arc::new(self.site.finish()),
            Arc::new(self.account.finish()),
            Arc::new(self.ip.finish()),
            Arc::new(self.event.finish()),
            Arc::new(self.level.finish()),
            Arc::new(self.bytes.finish()),
            Arc::new(self.duration.finish()),
            Arc::new(self.message.finish()),
            Arc::new(self.properties.finish()),
        ];
        Ok(RecordBatch::try_new(Arc::clone(schema), arrays)?)
    }
}

/// A line as a server writes it; one in five thousand names a tool of attackers.
fn message(
    dice: &mut Dice,
    text: &mut String,
    event: i32,
    account: u64,
    ip: u64,
    port: u64,
    tool: &str,
) {
    text.clear();
    let outcome = if event == 4625 { "failed" } else { "accepted" };
    match dice.below(10) {
        0..=5 => {
            let _ = write!(
                text,
                "logon {outcome} user=user{account:05} src=10.{}.{}.{} port={port} proto=tcp \
                 process={tool} note=",
                ip >> 16,
                (ip >> 8) & 255,
                ip & 255
            );
        }
        6..=7 => {
            let _ = write!(text, "process created: C:\\Windows\\System32\\{tool} /c ");
        }
        _ => {
            let _ = write!(text, "object {:x} was touched by {tool} ", dice.next());
        }
    }
    for _ in 0..3 + dice.below(6) {
        text.push_str(WORDS[dice.below(16) as usize]);
        text.push(' ');
    }
    match dice.below(10_000) {
        0 => text.push_str("C:\\Temp\\Mimikatz.exe sekurlsa::logonpasswords"),
        1 => text.push_str("invoke-mimikatz"),
        // Not a term of its own.
        2 => text.push_str("notmimikatzatall"),
        _ => {}
    }
}

/// Writes `events.parquet` with so many rows.
pub(crate) fn write(folder: &Path, n_rows: u64) -> Result<(), Box<dyn Error>> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("TimeGenerated", utc, true),
        text("Computer"),
        text("Site"),
        text("Account"),
        text("SrcIp"),
        Field::new("EventID", DataType::Int32, true),
        text("Level"),
        Field::new("Bytes", DataType::Int64, true),
        Field::new("DurationMs", DataType::Float64, true),
        text("Message"),
        text("Properties"),
    ]));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    std::fs::create_dir_all(folder)?;
    // Whoever finds the file finds it whole.
    let (part, whole) = (folder.join("events.parquet.part"), folder.join("events.parquet"));
    let mut writer =
        ArrowWriter::try_new(File::create(&part)?, Arc::clone(&schema), Some(properties))?;
    let mut dice = Dice(n_rows);
    let mut columns = Columns::new();
    let mut scratch = String::new();
    let mut held = 0;
    for at in 0..n_rows {
        columns.row(&mut dice, at, n_rows, &mut scratch);
        held += 1;
        if held == BATCH_ROWS || at + 1 == n_rows {
            writer.write(&columns.batch(&schema)?)?;
            held = 0;
        }
    }
    writer.close()?;
    Ok(std::fs::rename(part, whole)?)
}
