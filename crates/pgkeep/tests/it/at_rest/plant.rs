//! Plants unique words wherever PostgreSQL writes what it is given.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use tokio_postgres::Client;

use super::cluster::Cluster;
use super::rig::{Random, Rig};

/// A word that exists nowhere else, and where in the data directory it must turn up.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    /// What kind of storage it stands for.
    pub(crate) name: &'static str,
    /// The word; for bytes that PostgreSQL chops up, the pieces one of which must survive.
    pub(crate) words: Vec<String>,
    /// Beginning of the path below the data directory.
    pub(crate) place: String,
    /// Gone when PostgreSQL has stopped, or unreadable once the mount has ended.
    pub(crate) fleeting: bool,
}

/// What keeps the fleeting files there: dropped when the search is done.
pub(crate) struct Held {
    _sessions: Vec<Client>,
    receiver: Child,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.receiver.kill();
        let _ = self.receiver.wait();
    }
}

/// Settings without which some of the files would not be written: no checkpoint writes an
/// unlogged table, only the want of a buffer does.
pub(crate) fn settings(cluster_version: u32, statements: bool, comment: &str) -> String {
    let json = if cluster_version >= 15 { ",jsonlog" } else { "" };
    let preload = if statements { "pg_stat_statements" } else { "" };
    format!(
        "# {comment}\n\
         logging_collector = on\nlog_destination = 'stderr,csvlog{json}'\nlog_statement = all\n\
         shared_preload_libraries = '{preload}'\nmax_prepared_transactions = 5\n\
         wal_level = logical\nlogical_decoding_work_mem = '64kB'\nshared_buffers = '4MB'"
    )
}

/// The words in the making.
pub(crate) struct Planter<'a> {
    rig: &'a Rig,
    cluster: &'a Cluster<'a>,
    random: Random,
    canaries: Vec<Canary>,
}

impl<'a> Planter<'a> {
    pub(crate) fn new(rig: &'a Rig, cluster: &'a Cluster<'a>, random: Random) -> Self {
        Self { rig, cluster, random, canaries: Vec::new() }
    }

    /// A new word of a kind; the place is known later for what lies in relations.
    fn word(&mut self, name: &'static str, place: &str) -> String {
        let word = self.random.word(20);
        let (words, place) = (vec![word.clone()], place.to_owned());
        self.canaries.push(Canary { name, words, place, fleeting: false });
        word
    }

    /// The same for something that does not outlive its session or the mount.
    fn fleeting(&mut self, name: &'static str, place: &str) -> String {
        let word = self.word(name, place);
        self.canaries.last_mut().expect("because it was just pushed").fleeting = true;
        word
    }

    /// The same where LZ compression may put a control byte after every eight bytes.
    fn chopped(&mut self, name: &'static str) -> String {
        let word = self.word(name, "");
        let pieces = (0..=word.len() - 8).map(|at| word[at..at + 8].to_owned()).collect();
        self.canaries.last_mut().expect("because it was just pushed").words = pieces;
        word
    }

    /// Adds a word that was planted by other means.
    pub(crate) fn planted(&mut self, name: &'static str, word: String, place: &str) {
        let (words, place) = (vec![word], place.to_owned());
        self.canaries.push(Canary { name, words, place, fleeting: false });
    }

    /// Plants everything. What is still in memory afterwards is written by the checkpoint.
    pub(crate) async fn plant(mut self, statements: bool) -> (Vec<Canary>, Held) {
        let admin = self.cluster.connect().await;
        let mut relations = BTreeMap::new();
        // First: making a slot waits for every transaction that is under way.
        run(&admin, "select pg_create_logical_replication_slot('spill', 'test_decoding')").await;
        self.tables(&admin, &mut relations).await;
        self.indexes(&admin, &mut relations).await;
        self.statistics(&admin, &mut relations).await;
        self.catalogs(&admin, &mut relations).await;
        self.files(&admin, statements).await;
        let mut sessions = vec![
            self.temporary_table(&mut relations).await,
            self.spills().await,
            self.prepared().await,
        ];
        for (name, relation) in relations {
            let place = match relation.strip_prefix('/') {
                Some(path) => path.to_owned(),
                None => path_of(&admin, &relation).await,
            };
            let canary = self.canaries.iter_mut().find(|canary| canary.name == name);
            canary.expect("because every relation has a word").place = place;
        }
        let (session, receiver) = self.slot_spill(&admin).await;
        sessions.push(session);
        // WAL alone: a message that belongs to no relation.
        let word = self.word("WAL message", "pg_wal/");
        run(&admin, &format!("select pg_logical_emit_message(false, 'c', '{word}')")).await;
        run(&admin, "checkpoint").await;
        (self.canaries, Held { _sessions: sessions, receiver })
    }

    async fn tables(&mut self, admin: &Client, relations: &mut Relations) {
        // The unlogged table is larger than the shared buffers.
        let heap = self.word("heap row", "");
        let unlogged = self.word("unlogged table", "");
        run(
            admin,
            &format!(
                "create table heap (id int, body text);
             insert into heap select n, '{heap} ' || n from generate_series(1, 500) n;
             create unlogged table unlogged (body text);
             insert into unlogged select '{unlogged}' || repeat('u', 500)
               from generate_series(1, 16000)"
            ),
        )
        .await;
        relations.insert("heap row", "heap".to_owned());
        relations.insert("unlogged table", "unlogged".to_owned());

        // Long values: beside the row as they are, compressed in two ways, and inside the row.
        let (plain, lz4) = (self.word("TOAST, as it is", ""), self.word("TOAST, lz4", ""));
        let (pglz, inline) = (self.chopped("TOAST, pglz"), self.chopped("row, compressed"));
        run(
            admin,
            &format!(
                "create table plain (body text);
             alter table plain alter body set storage external;
             create table pglz (body text compression pglz);
             create table lz4 (body text compression lz4);
             create table shrunk (body text compression pglz);
             insert into plain select '{plain}' || string_agg(md5(n::text), '')
               from generate_series(1, 300) n;
             insert into pglz select '{pglz}' || string_agg(md5(n::text), '') || repeat('x', 9000)
               from generate_series(1, 300) n;
             insert into lz4 select '{lz4}' || string_agg(md5(n::text), '') || repeat('x', 9000)
               from generate_series(1, 300) n;
             insert into shrunk select '{inline}' || repeat('y', 6000)"
            ),
        )
        .await;
        for (name, table) in
            [("TOAST, as it is", "plain"), ("TOAST, lz4", "lz4"), ("TOAST, pglz", "pglz")]
        {
            let toast = one(admin, &format!(
                "select reltoastrelid::regclass::text from pg_class where oid = '{table}'::regclass"
            )).await;
            relations.insert(name, toast);
        }
        relations.insert("row, compressed", "shrunk".to_owned());
        let methods = one(
            admin,
            "select (select pg_column_compression(body) from pglz) || ' '
                 || (select pg_column_compression(body) from lz4) || ' '
                 || (select pg_column_compression(body) from shrunk)",
        )
        .await;
        assert_eq!(methods, "pglz lz4 pglz", "the values are not stored as this proof supposes");

        let large = self.word("large object", "");
        run(admin, &format!("select lo_from_bytea(0, '{large}'::bytea)")).await;
        relations.insert("large object", "pg_largeobject".to_owned());
    }

    async fn indexes(&mut self, admin: &Client, relations: &mut Relations) {
        for (name, method, column) in [
            ("B-tree index", "btree", "body"),
            ("GIN index", "gin", "string_to_array(body, ' ')"),
            ("BRIN index", "brin", "body"),
        ] {
            let word = self.word(name, "");
            run(
                admin,
                &format!(
                    "create table of_{method} (body text);
                 insert into of_{method} select '{word}' from generate_series(1, 200);
                 create index by_{method} on of_{method} using {method} (({column}))"
                ),
            )
            .await;
            relations.insert(name, format!("by_{method}"));
        }
        let view = self.word("materialised view", "");
        run(admin, &format!("create materialized view matview as select '{view}'::text as body"))
            .await;
        relations.insert("materialised view", "matview".to_owned());
    }

    async fn statistics(&mut self, admin: &Client, relations: &mut Relations) {
        let common = self.word("most common value", "");
        let extended = self.word("extended statistics", "");
        run(
            admin,
            &format!(
                "create table counted (a text, b text);
             insert into counted select case when n % 2 = 0 then '{common}' else n::text end, n % 7
               from generate_series(1, 3000) n;
             create table counted_too (a text, b int);
             insert into counted_too select '{extended}', n % 3 from generate_series(1, 3000) n;
             create statistics pair (mcv) on a, b from counted_too;
             analyze counted; analyze counted_too"
            ),
        )
        .await;
        relations.insert("most common value", "pg_statistic".to_owned());
        relations.insert("extended statistics", "pg_statistic_ext_data".to_owned());
    }

    async fn catalogs(&mut self, admin: &Client, relations: &mut Relations) {
        let comment = self.word("comment", "");
        let body = self.word("function body", "");
        run(
            admin,
            &format!(
                "comment on table heap is '{comment}';
             create function f() returns text language sql as $$ select '{body}'::text $$;
             create role tester password 'not kept anywhere'"
            ),
        )
        .await;
        relations.insert("comment", "pg_description".to_owned());
        relations.insert("function body", "pg_proc".to_owned());
        let stored = one(admin, "select rolpassword from pg_authid where rolname = 'tester'").await;
        let verifier = stored.rsplit(':').next().expect("because SCRAM has parts").to_owned();
        self.planted("password verifier", verifier, "");
        relations.insert("password verifier", "pg_authid".to_owned());
    }

    async fn files(&mut self, admin: &Client, statements: bool) {
        let log = self.word("server log", "log/");
        let setting = self.word("ALTER SYSTEM", "postgresql.auto.conf");
        let export = self.word("server-side COPY", "export.csv");
        run(admin, &format!("select '{log}'")).await;
        run(admin, &format!("alter system set cluster_name = '{setting}'")).await;
        let path = self.rig.data().join("export.csv");
        run(admin, &format!("copy (select '{export}') to '{}'", path.display())).await;
        if statements {
            let text = self.fleeting("pg_stat_statements", "pg_stat_tmp/");
            run(admin, &format!("create extension pg_stat_statements; select 1 as {text}")).await;
        } else {
            println!("not proved: pg_stat_statements, because it is not installed");
        }
    }

    async fn temporary_table(&mut self, relations: &mut Relations) -> Client {
        let session = self.cluster.connect().await;
        let word = self.fleeting("temporary table", "");
        // More than its buffers hold.
        run(&session, "set temp_buffers = '800kB'").await;
        run(
            &session,
            &format!(
                "create temporary table t (body text);
             insert into t select '{word}' || repeat('z', 500) from generate_series(1, 10000)"
            ),
        )
        .await;
        let path = one(&session, "select pg_relation_filepath('t')").await;
        relations.insert("temporary table", format!("/{path}"));
        session
    }

    /// Cursors keep their temporary files as long as they are open.
    async fn spills(&mut self) -> Client {
        let session = self.cluster.connect().await;
        let sort = self.fleeting("sort spill", "base/pgsql_tmp");
        let hash = self.fleeting("hash join spill", "base/pgsql_tmp");
        let kept = self.fleeting("cursor with hold", "base/pgsql_tmp");
        run(
            &session,
            &format!(
                "set work_mem = '64kB'; set enable_mergejoin = off; set enable_nestloop = off;
             set max_parallel_workers_per_gather = 0; set jit = off;
             begin;
             declare kept cursor with hold for
               select '{kept}' || n from generate_series(1, 20000) n;
             commit;
             begin;
             declare sorted cursor for
               select '{sort}' || n as body from generate_series(1, 20000) n order by md5(n::text);
             fetch 1 from sorted;
             declare hashed cursor for
               select a.body || b.body from
                 (select '{hash}' || n as body, n from generate_series(1, 20000) n offset 0) a
                 join
                 (select '{hash}' || n as body, n from generate_series(1, 20000) n offset 0) b
                 using (n);
             fetch 1 from hashed"
            ),
        )
        .await;
        session
    }

    async fn prepared(&mut self) -> Client {
        let session = self.cluster.connect().await;
        let name = self.word("prepared transaction", "pg_twophase/");
        run(
            &session,
            &format!(
                "begin; insert into heap values (0, 'prepared'); prepare transaction '{name}'"
            ),
        )
        .await;
        session
    }

    /// A transaction too large for the decoder's memory, not yet committed.
    async fn slot_spill(&mut self, admin: &Client) -> (Client, Child) {
        let mut command = self.rig.command(self.cluster.binaries.program("pg_recvlogical"));
        command.args(["-U", "postgres", "-d", "postgres", "-S", "spill", "--start", "-f"]);
        command.arg("/dev/null").arg("-h").arg(self.rig.path("sock"));
        let receiver = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let word = self.fleeting("decoding spill", "pg_replslot/spill/");
        let session = self.cluster.connect().await;
        run(
            &session,
            &format!(
                "begin; insert into heap select n, '{word}' || n from generate_series(1, 20000) n"
            ),
        )
        .await;
        testkit::eventually(testkit::DEADLINE, || async {
            // Flushes the WAL of the open transaction too.
            run(admin, "select pg_logical_emit_message(true, 'c', 'flush')").await;
            let spilled = "select count(*)::text from pg_ls_dir('pg_replslot/spill') as f
                           where f like '%.spill'";
            (one(admin, spilled).await != "0").then_some(())
        })
        .await;
        (session, receiver)
    }
}

/// Name of a canary and the relation that must hold it; a path when it starts with `/`.
type Relations = BTreeMap<&'static str, String>;

/// Runs statements that must succeed.
pub(crate) async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{sql}: {error:?}");
    }
}

/// The first column of the only row, as text.
pub(crate) async fn one(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

/// File of a relation, relative to the data directory.
pub(crate) async fn path_of(client: &Client, relation: &str) -> String {
    one(client, &format!("select pg_relation_filepath('{relation}')")).await
}
