//! The load of a round: writers that count acknowledgements, and one session that stirs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::ledger::Ledger;
use crate::cluster::Server;
use crate::failure::{Doing, Outcome};
use crate::rng::Rng;

/// How long sessions may take to see that their server is dead.
const NOTICE: Duration = Duration::from_secs(5);

/// Sessions under load; they end by themselves when the server dies.
#[derive(Debug)]
pub(super) struct Load {
    sessions: Vec<Child>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts one `psql` a writer and one that checkpoints, vacuums, makes and drops.
    pub(super) fn start(server: &Server, ledger: &Ledger, rng: &mut Rng) -> Outcome<Self> {
        let mut load = Self { sessions: vec![], threads: vec![] };
        for (writer, counter) in ledger.counters().iter().enumerate() {
            let (counter, rng) = (Arc::clone(counter), Rng::new(rng.next()));
            load.session(server, move |conversation| write(conversation, writer, &counter, rng))?;
        }
        let rng = Rng::new(rng.next());
        load.session(server, move |conversation| stir(conversation, rng))?;
        Ok(load)
    }

    /// Waits for every session to notice that the server is gone. Now and then a psql loses its
    /// connection between two statements and waits for the next one: it is ended then, which can
    /// only lose an acknowledgement, never invent one.
    pub(super) fn finish(mut self) -> Outcome {
        let until = Instant::now() + NOTICE;
        while Instant::now() < until && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(10));
        }
        for mut session in self.sessions.drain(..) {
            let _ = session.kill();
            session.wait().doing(|| "wait for psql".to_owned())?;
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        Ok(())
    }

    fn session(
        &mut self,
        server: &Server,
        talk: impl FnOnce(Conversation) + Send + 'static,
    ) -> Outcome {
        let mut child = server
            .psql()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .doing(|| "start psql".to_owned())?;
        let conversation = Conversation {
            input: child.stdin.take().expect("because stdin is piped"),
            output: Box::new(BufReader::new(child.stdout.take().expect("because it is piped"))),
        };
        self.sessions.push(child);
        self.threads.push(std::thread::spawn(move || talk(conversation)));
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for session in &mut self.sessions {
            let _ = session.kill();
            let _ = session.wait();
        }
    }
}

/// A question and an answer at a time.
struct Conversation {
    input: ChildStdin,
    output: Box<dyn BufRead + Send>,
}

impl Conversation {
    /// Sends statements and reads one line; `None` once the session has ended.
    ///
    /// psql prints a row after CommandComplete, which PostgreSQL sends after the commit is durable.
    fn ask(&mut self, sql: &str) -> Option<String> {
        writeln!(self.input, "{sql}").ok()?;
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(n_bytes) if n_bytes > 0 && line.ends_with('\n') => Some(line.trim().to_owned()),
            _ => None,
        }
    }
}

/// Inserts row after row; counts one only when its own number came back.
fn write(mut conversation: Conversation, writer: usize, counter: &AtomicU64, mut rng: Rng) {
    loop {
        let seq = counter.load(Ordering::SeqCst) + 1;
        let account = rng.within(1..20_001);
        let answer = conversation.ask(&format!(
            "WITH hit AS (UPDATE account SET n_hits = n_hits + 1 WHERE id = {account})
             INSERT INTO ledger
             VALUES ({writer}, {seq}, repeat(md5('{writer}-{seq}'), 1 + ({seq} % 40)))
             RETURNING seq;"
        ));
        if answer != Some(seq.to_string()) {
            return;
        }
        counter.store(seq, Ordering::SeqCst);
    }
}

/// Does what a busy database does beside its transactions.
fn stir(mut conversation: Conversation, mut rng: Rng) {
    const STATEMENTS: &[&str] = &[
        "CHECKPOINT;",
        "VACUUM ledger;",
        "VACUUM account;",
        "VACUUM FULL account;",
        "ANALYZE;",
        "REINDEX TABLE ledger;",
        "SELECT pg_switch_wal() IS NULL;",
        "DROP TABLE IF EXISTS churn; CREATE TABLE churn AS
         SELECT i, repeat('y', 500) FROM generate_series(1, 5000) i;",
        "TRUNCATE churn; INSERT INTO churn SELECT i, 'z' FROM generate_series(1, 100) i;",
        "DELETE FROM churn; VACUUM churn;",
        "CREATE TEMP TABLE t AS SELECT generate_series(1, 20000) i; DROP TABLE t;",
        "SET work_mem = '64kB'; SELECT count(*) FROM
         (SELECT pad FROM account ORDER BY pad, id DESC OFFSET 10) sorted;",
        "DROP DATABASE IF EXISTS side; CREATE DATABASE side;",
    ];
    loop {
        let statement = rng.choose(STATEMENTS);
        // The marker tells the end of the batch, whatever was printed or failed before it.
        let mut answer = conversation.ask(&format!("{statement}\n\\echo done"));
        while answer.as_deref().is_some_and(|line| line != "done") {
            let mut line = String::new();
            answer = match conversation.output.read_line(&mut line) {
                Ok(1..) => Some(line.trim().to_owned()),
                _ => None,
            };
        }
        if answer.is_none() {
            return;
        }
    }
}
