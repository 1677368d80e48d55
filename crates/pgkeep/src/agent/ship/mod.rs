//! Ships what PostgreSQL writes into its log to the plane, from inside the mount.
//!
//! PostgreSQL never waits for it: it writes files, and this reads them. The plane says how far it
//! has stored the stream, so that whoever is killed goes on where the other stands. A file is
//! opened for one piece and closed again, because open files would hold up an unmount.

mod clean;
mod files;
mod pace;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Fault, ServerState};
use serde_json::json;
use server::{Command, Layout, Server, Show};
use tokio::time::MissedTickBehavior;

use crate::pressure::Pressure;
use crate::process::blocking;
use crate::rpc;
use files::{LogFile, Stream};
use pace::Seen;

/// How often the log is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// How often the plane hears that all is sent.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Bytes of one piece.
const PIECE_BYTES: usize = rpc::ATTACHED_MAX_BYTES;
/// The plane takes a piece in this time, or it is sent again.
const TAKE_MAX: Duration = Duration::from_secs(30);
/// How long is waited after a failure, and at most after many.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// How one version of PostgreSQL writes its log.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// In `current_logfiles`.
    word: &'static str,
    ending: &'static str,
    parser: &'static str,
}

const JSON: Kind = Kind { word: "jsonlog", ending: ".json", parser: "postgresql-jsonlog" };
const CSV: Kind = Kind { word: "csvlog", ending: ".csv", parser: "postgresql-csvlog" };

/// Ships until it is dropped.
pub(super) fn run(
    layout: Layout,
    plane: PathBuf,
) -> impl FnOnce(Server) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    move |server| {
        Box::pin(async move {
            Shipper {
                server,
                layout,
                plane,
                stream: None,
                at: None,
                timezone: None,
                heard: Instant::now(),
                cleaned: Instant::now(),
                pressure: Pressure::default(),
                taken_at: Instant::now(),
            }
            .run()
            .await;
        })
    }
}

struct Shipper {
    server: Server,
    layout: Layout,
    plane: PathBuf,
    stream: Option<Stream>,
    /// Where to go on; unknown until the plane has said it.
    at: Option<u64>,
    /// `log_timezone`, and the start of the server that it was asked for.
    timezone: Option<(String, String)>,
    /// When the plane was last told something.
    heard: Instant,
    cleaned: Instant,
    pressure: Pressure,
    /// When nothing waited last, or bytes were read to be sent.
    taken_at: Instant,
}

/// What there is to send.
#[derive(Debug, Default)]
struct Piece {
    data: Vec<u8>,
    ends: bool,
    /// Bytes of a file that is gone.
    missing: u64,
    lag: u64,
    /// There are bytes, and they wait for more.
    held: bool,
}

impl Piece {
    fn is_empty(&self) -> bool {
        self.data.is_empty() && !self.ends && self.missing == 0
    }
}

impl Shipper {
    async fn run(mut self) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = PAUSE;
        let mut is_failing = false;
        loop {
            period.tick().await;
            match self.round().await {
                Ok(()) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("the log is sent to the plane again");
                    }
                    pause = PAUSE;
                }
                Err(fault) => {
                    // It comes again and again; once is enough to say so.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(fault.message, fault.detail, "the log cannot be sent");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// The server, where its log can be read now.
    fn open(&self) -> Option<Show> {
        let show = self.server.show().ok()?;
        let runs = matches!(show.state.state, ServerState::Ready | ServerState::Updating);
        (runs && show.storage.mounted).then_some(show)
    }

    /// Sends all that is there.
    async fn round(&mut self) -> Result<(), Fault> {
        while let Some(show) = self.open() {
            let kind = if show.major_version >= 15 { JSON } else { CSV };
            let timezone = self.timezone(&show).await?;
            let piece = self.next_piece(kind).await?;
            if piece.held {
                return Ok(());
            }
            let is_last = piece.data.len() < PIECE_BYTES && !piece.ends && piece.missing == 0;
            if piece.is_empty() && self.at.is_some() && self.heard.elapsed() < SIGN_OF_LIFE {
                return self.clean(kind).await;
            }
            let begins = self.at.is_none();
            self.send(kind, &timezone, piece).await?;
            if is_last && !begins {
                return self.clean(kind).await;
            }
        }
        Ok(())
    }

    async fn send(&mut self, kind: Kind, timezone: &str, piece: Piece) -> Result<(), Fault> {
        let offset = self.at.unwrap_or(0);
        let stream = self.stream.as_ref().map(|stream| stream.name.clone()).unwrap_or_default();
        // A question where to begin carries nothing.
        let piece =
            if self.at.is_some() { piece } else { Piece { lag: piece.lag, ..Piece::default() } };
        let args = json!({
            "server": self.layout.name(),
            "stream": stream,
            "parser": kind.parser,
            "timezone": timezone,
            "offset": offset,
            "ends": piece.ends,
            "missing": piece.missing,
            "lag": piece.lag.saturating_sub(piece.data.len() as u64),
        });
        let answer = rpc::call_with(&self.plane, TAKE_MAX, "ship", args, &piece.data).await?;
        let position = answer["position"]
            .as_u64()
            .ok_or_else(|| Fault::new("bad_answer", "the plane does not say where to go on"))?;
        self.at = Some(position);
        self.heard = Instant::now();
        Ok(())
    }

    /// What comes next in the stream. The files are listed anew each time: it costs little, and
    /// what is over is known to be over only when there is a newer file.
    async fn next_piece(&mut self, kind: Kind) -> Result<Piece, Fault> {
        let (layout, at) = (self.layout.clone(), self.at.unwrap_or(0));
        let stream = self.stream.take();
        let now = Instant::now();
        let (waited, is_busy) = (now - self.taken_at, self.pressure.is_busy());
        // A question where to begin does not wait.
        let begins = self.at.is_none();
        let is_due = move |waiting: u64| {
            let seen = Seen { waiting, piece: PIECE_BYTES as u64, waited, is_busy };
            begins || pace::is_due(&seen)
        };
        let work = move || -> Result<(Stream, Piece), Fault> {
            let record = record(&layout);
            let mut stream = match stream {
                Some(stream) => stream,
                None => Stream::open(&record)?,
            };
            let read = look(&layout, kind).map_err(|e| unreadable(&e))?;
            let Some((folder, found)) = read else { return Ok((stream, Piece::default())) };
            let lengths: Vec<(u64, u64)> = found.iter().map(|f| (f.inode, f.len)).collect();
            // A place that is not written down is no place: the record is then read anew.
            if stream.note(found, at) {
                stream.save(&record)?;
            }
            let Some(file) = stream.file_at(at) else { return Ok((stream, Piece::default())) };
            let mut piece = piece_of(&folder, file, at, is_due).map_err(|e| unreadable(&e))?;
            piece.lag += waiting(&stream, file.base, &lengths);
            Ok((stream, piece))
        };
        let (stream, piece) = blocking(work).await??;
        self.stream = Some(stream);
        if !piece.held {
            self.taken_at = now;
        }
        Ok(piece)
    }

    /// `log_timezone` of the running server.
    async fn timezone(&mut self, show: &Show) -> Result<String, Fault> {
        let since = show.state.since.to_string();
        if let Some((known, of)) = &self.timezone
            && *of == since
        {
            return Ok(known.clone());
        }
        let ask = Command::ParameterShow { name: "log_timezone".to_owned() };
        let shown = self.server.run(ask, Arc::new(|_: &str| {})).await?;
        let zone = shown["value"].as_str().unwrap_or("UTC").to_owned();
        self.timezone = Some((zone.clone(), since));
        Ok(zone)
    }

    /// Removes old files that are sent, now and then.
    async fn clean(&mut self, kind: Kind) -> Result<(), Fault> {
        let (Some(stream), Some(at)) = (&self.stream, self.at) else { return Ok(()) };
        if self.cleaned.elapsed() < clean::PERIOD {
            return Ok(());
        }
        self.cleaned = Instant::now();
        let (layout, stream) = (self.layout.clone(), stream.clone());
        blocking(move || match look(&layout, kind).map_err(|e| unreadable(&e))? {
            Some((folder, found)) => clean::clean(&folder, &stream, &found, at)
                .map_err(|e| Fault::from_error("ship", "old logs cannot be removed", &e)),
            None => Ok(()),
        })
        .await?
    }
}

/// The file beside the server's record that says where each log file stands in the stream.
fn record(layout: &Layout) -> PathBuf {
    layout.dir().join("ship.json")
}

fn look(layout: &Layout, kind: Kind) -> io::Result<Option<(PathBuf, Vec<files::Found>)>> {
    let Some(folder) = files::folder(&layout.pgdata(), kind.word)? else { return Ok(None) };
    let found = files::found(&folder, kind.ending)?;
    Ok(Some((folder, found)))
}

/// Bytes in the files behind the one that begins at `base`.
fn waiting(stream: &Stream, base: u64, lengths: &[(u64, u64)]) -> u64 {
    let len = |file: &LogFile| lengths.iter().find(|(inode, _)| *inode == file.inode);
    let later = stream.files.iter().filter(|file| file.base > base);
    later.filter_map(len).map(|(_, len)| len).sum()
}

/// The bytes of a file from `at` of the stream on, if so many are due to be sent. What ends or is
/// gone always is.
fn piece_of(
    folder: &std::path::Path,
    file: &LogFile,
    at: u64,
    is_due: impl Fn(u64) -> bool,
) -> io::Result<Piece> {
    let offset = at - file.base;
    let rest = |len: u64| len.saturating_sub(offset);
    if file.len.is_some_and(|len| rest(len) == 0) {
        return Ok(Piece { ends: true, ..Piece::default() });
    }
    let opened = File::open(folder.join(&file.name)).and_then(|open| {
        use std::os::unix::fs::MetadataExt as _;
        let is_same = open.metadata()?.ino() == file.inode;
        if is_same { Ok(open) } else { Err(io::Error::from(ErrorKind::NotFound)) }
    });
    let open = match opened {
        Ok(open) => open,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            // One that is not over yet is found missing when there is a newer one.
            let missing = file.len.map_or(0, |len| rest(len) + 1);
            return Ok(Piece { missing, ..Piece::default() });
        }
        Err(e) => return Err(e),
    };
    let there = open.metadata()?.len();
    let most = file.len.map_or(there, |len| len.min(there));
    // The end of a file is not waited for: nothing more comes of it.
    if file.len.is_none() && rest(most) > 0 && !is_due(rest(most)) {
        return Ok(Piece { held: true, lag: rest(most), ..Piece::default() });
    }
    let n = usize::try_from(rest(most)).unwrap_or(usize::MAX).min(PIECE_BYTES);
    let mut data = vec![0; n];
    open.read_exact_at(&mut data, offset)?;
    // One that was cut off after its length was noted.
    let missing = match file.len {
        Some(len) if n == 0 => rest(len) + 1,
        _ => 0,
    };
    Ok(Piece { data, missing, lag: rest(most), ..Piece::default() })
}

fn unreadable(e: &io::Error) -> Fault {
    Fault::from_error("ship", "the server's log cannot be read", e)
}
