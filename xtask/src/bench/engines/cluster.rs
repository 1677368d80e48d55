//! The processes of one side: who answers, and who works for it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::side::{Answer, Side};
use super::proc_file;
use crate::failure::{Doing as _, Failure, Outcome};

/// How many work for a side that is beyond one process.
const WORKERS: usize = 3;
/// How long a process may take to let somebody in.
const START: Duration = Duration::from_secs(30);
/// Ticks of the kernel's processor time in a second; the same on every Linux.
const TICKS: f64 = 100.0;

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// DataFusion in one process
    Alone,
    /// datafusion-distributed
    Distributed,
    /// ballista as it comes
    Ballista,
    /// ballista, told to miss a silent executor after three seconds
    BallistaShort,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alone => "one process",
            Self::Distributed => "datafusion-distributed",
            Self::Ballista => "ballista",
            Self::BallistaShort => "ballista, silent executors missed after 3 s",
        }
    }

    /// The packages that it is made of.
    pub(super) fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Alone => &["datafusion"],
            Self::Distributed => &["datafusion-distributed"],
            Self::Ballista | Self::BallistaShort => {
                &["ballista", "ballista-scheduler", "ballista-executor"]
            }
        }
    }

    fn watch(self) -> &'static str {
        if self == Self::BallistaShort { "short" } else { "default" }
    }
}

/// What all sides share.
pub(super) struct Setup {
    engines: PathBuf,
    pub(super) data: PathBuf,
    queries: PathBuf,
    /// What executors give to others lies here
    scratch: PathBuf,
    /// Threads of the side that is one process
    pub(super) n_threads: usize,
    /// Into how many partitions a process divides a plan
    pub(super) n_partitions: usize,
}

impl Setup {
    pub(super) fn new(
        engines: PathBuf,
        data: PathBuf,
        queries: PathBuf,
        n_threads: usize,
        n_partitions: usize,
    ) -> Outcome<Self> {
        let scratch = data.join(format!("shuffle-{}", std::process::id()));
        std::fs::create_dir(&scratch).doing(|| format!("make \"{}\"", scratch.display()))?;
        Ok(Self { engines, data, queries, scratch, n_threads, n_partitions })
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // Left-overs beside the rows, of no use to anybody.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// A process that is killed when nobody needs it any more.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, ports: &[u16]) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut process = Self(child.doing(|| "start a process of an engine".to_owned())?);
        let deadline = Instant::now() + START;
        for port in ports {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            while TcpStream::connect(address).is_err() {
                let ended = process.0.try_wait().doing(|| "look at a process".to_owned())?;
                if ended.is_some() || Instant::now() > deadline {
                    return Err(Failure::new("a process of an engine does not listen"));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Memory and processor time of all processes of a side.
pub(super) struct Use {
    pub(super) n_processes: usize,
    pub(super) peak_kib: u64,
    pub(super) peak_of_one_kib: u64,
    pub(super) cpu_ms: f64,
}

/// One side. Who answers ends first, then workers, then the scheduler.
pub(super) struct Cluster {
    side: Side,
    pid: u32,
    workers: Vec<Process>,
    scheduler: Option<Process>,
}

impl Cluster {
    pub(super) fn start(setup: &Setup, kind: Kind) -> Outcome<Self> {
        let (mut workers, mut scheduler) = (Vec::new(), None);
        let mut serve = Command::new(&setup.engines);
        let partitions = setup.n_partitions.to_string();
        match kind {
            Kind::Alone => {
                serve.arg("alone").arg(&setup.data).arg(&setup.queries);
                // One process divides its plan among its threads, as DataFusion does by itself.
                serve.args([setup.n_threads.to_string(), setup.n_threads.to_string()]);
            }
            Kind::Distributed => {
                let ports = free_ports(WORKERS)?;
                for port in &ports {
                    let mut worker = Command::new(&setup.engines);
                    worker.args(["distributed", "worker", &port.to_string(), "1"]);
                    workers.push(Process::start(&mut worker, &[*port])?);
                }
                serve.args(["distributed", "serve"]).arg(&setup.data).arg(&setup.queries);
                serve.args(["1", &partitions]).args(ports.iter().map(u16::to_string));
            }
            Kind::Ballista | Kind::BallistaShort => {
                let ports = free_ports(1 + 2 * WORKERS)?;
                let (port, ports) = (ports[0], &ports[1..]);
                let at = port.to_string();
                let mut command = Command::new(&setup.engines);
                command.args(["ballista", "scheduler", &at, "1", kind.watch()]);
                scheduler = Some(Process::start(&mut command, &[port])?);
                for pair in ports.chunks(2) {
                    let mut command = Command::new(&setup.engines);
                    command.args(["ballista", "executor", &at]);
                    command.args(pair.iter().map(u16::to_string));
                    command.arg(folder(setup, pair[0])?).args(["1", kind.watch()]);
                    workers.push(Process::start(&mut command, pair)?);
                }
                serve.args(["ballista", "serve"]).arg(&setup.data).arg(&setup.queries);
                serve.args(["1", &partitions, &at]);
            }
        }
        let mut side = Side::start(&mut serve)?;
        let odd = || Failure::new("a side does not say which process it is");
        let pid =
            side.ask(".pid")?.rows.first().and_then(|row| row.parse().ok()).ok_or_else(odd)?;
        Ok(Self { side, pid, workers, scheduler })
    }

    pub(super) fn ask(&mut self, name: &str) -> Outcome<Answer> {
        self.side.ask(name)
    }

    /// How many can be killed, and the process of one of them.
    pub(super) fn worker(&self, at: usize) -> u32 {
        self.workers[at % self.workers.len()].0.id()
    }

    /// What the processes used until now.
    pub(super) fn used(&self) -> Outcome<Use> {
        let workers = self.workers.iter().chain(&self.scheduler).map(|process| process.0.id());
        let mut total = Use { n_processes: 0, peak_kib: 0, peak_of_one_kib: 0, cpu_ms: 0.0 };
        for pid in workers.chain([self.pid]) {
            let peak = peak_kib(&proc_file(pid, "status")?);
            let cpu = cpu_ms(&proc_file(pid, "stat")?);
            let odd = || Failure::new("the kernel does not say what a process used");
            let (peak, cpu) = (peak.ok_or_else(odd)?, cpu.ok_or_else(odd)?);
            total.n_processes += 1;
            total.peak_kib += peak;
            total.peak_of_one_kib = total.peak_of_one_kib.max(peak);
            total.cpu_ms += cpu;
        }
        Ok(total)
    }
}

/// A folder of an executor's own.
fn folder(setup: &Setup, port: u16) -> Outcome<PathBuf> {
    let folder = setup.scratch.join(port.to_string());
    std::fs::create_dir_all(&folder).doing(|| format!("make \"{}\"", folder.display()))?;
    Ok(folder)
}

/// Ports of loopback that nobody has; they are free until somebody else takes them.
fn free_ports(n: usize) -> Outcome<Vec<u16>> {
    let taking = || "take a port".to_owned();
    let listeners = (0..n)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(taking))
        .collect::<Outcome<Vec<_>>>()?;
    listeners.iter().map(|one| Ok(one.local_addr().doing(taking)?.port())).collect()
}

/// The most memory that a process held, of `/proc/PID/status`.
fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The time of a process in user and kernel mode, of `/proc/PID/stat`.
fn cpu_ms(stat: &str) -> Option<f64> {
    // The name stands in brackets and may have anything in it. Then come state, six numbers about
    // its place, five about faults, and the two times.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::{cpu_ms, free_ports, peak_kib};

    #[test]
    fn reads_what_the_kernel_says() {
        assert_eq!(peak_kib("Name:\tx\nVmHWM:\t   2048 kB\n"), Some(2048));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 10 0 0 0 150 50 0 0 20 0 4 0 99";
        assert_eq!(cpu_ms(stat), Some(2000.0));
        assert_eq!(cpu_ms("7 (a) S 1"), None);
    }

    #[test]
    fn ports_differ() {
        let mut ports = free_ports(7).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 7);
    }
}
