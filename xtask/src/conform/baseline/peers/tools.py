"""Runs tools of others on the cluster and reads what they say.

Each function yields (rule, database, item, bad): `item` is the tool's own name of what it speaks
about, empty where the rule is about the whole; `bad` is False where it looked and was content.
Nothing of a tool's wording is kept.
"""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[5]
PASS_04 = ROOT / "content/checks/passwords/PASS-04.toml"
DATABASES = ["shop", "clinic", "sound"]
LIMIT_S = 900


class Bench:
    """Where things lie: the fixture, the cluster, the tools."""

    def __init__(self, work, fixture, modules, port, home):
        self.work, self.fixture, self.modules = work, fixture, modules
        self.port, self.home = port, home
        self.bin = os.path.dirname(sys.executable)

    def url(self, database, role="boss"):
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def npm(self, name):
        return os.path.join(self.modules, "node_modules", ".bin", name)

    def run(self, *words, codes=(0, 1), **more):
        """The standard output of a program that ended as it may."""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": self.home}
        ended = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, timeout=LIMIT_S,
            env=environment, cwd=self.work, stdin=subprocess.DEVNULL, **more,
        )
        if ended.returncode not in codes:
            said = (ended.stderr or ended.stdout)[-400:]
            raise RuntimeError(f"{words[0]} ended with {ended.returncode}: {said}")
        return ended.stdout

    def psql(self, database, sql):
        return self.run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database),
                        "-c", sql, codes=(0,))

    def major(self):
        return int(self.psql("postgres", "SHOW server_version_num")) // 10000


def function(name):
    """`as_owner()` of a script as schema and name."""
    name = re.sub(r"\(.*", "", name)
    return name if "." in name else "public." + name


def pgspot(b):
    for database in DATABASES:
        said = b.run(f"{b.bin}/pgspot", f"{b.fixture}/{database}.sql")
        for line in said.splitlines():
            found = re.match(r"(PS\d+): [^:]*: (.*?)(?: at line \d+)?$", line)
            if found:
                rule, item = found.groups()
                yield rule, database, function(item) if rule in ("PS003", "PS005") else "", True


def squawk(b):
    for database in DATABASES:
        said = b.run(f"{b.bin}/squawk", "--reporter", "json", f"{b.fixture}/{database}.sql")
        for one in json.loads(said):
            yield one["rule_name"], database, "", True


def pgrls(b):
    for database in DATABASES:
        # It looks into `public` alone where it is not told.
        schemas = b.psql(database, """
            SELECT string_agg(nspname, ',') FROM pg_namespace
             WHERE nspname IN ('public', 'api', 'app')""").strip()
        said = b.run(f"{b.bin}/pgrls", "lint", "--format", "json", "--schemas", schemas,
                     "--database-url", b.url(database))
        for one in json.loads(said)["violations"]:
            yield one["rule_id"], database, one["location"], True


def trespass(b):
    for database in DATABASES:
        said = b.run(f"{b.bin}/trespass", "check", "--no-default-grants", "--format", "json",
                     f"{b.fixture}/{database}.sql", codes=(0, 1, 2))
        for one in json.loads(said)["findings"]:
            if one["verdict"] == "vulnerable":
                table = one["table"] if "." in one["table"] else "public." + one["table"]
                yield one["rule"], database, table, True


def db_verifier(b):
    for database in DATABASES:
        said = b.run(f"{b.bin}/db_verifier", "--connection", b.url(database), "--format", "json")
        for line in said.splitlines():
            if line.startswith("{"):
                one = json.loads(line)
                yield one["check"]["check_code"], database, one["object_name"], True


def db_fortress(b):
    report = os.path.join(b.work, "db-fortress.json")
    b.run(f"{b.bin}/db-fortress", "pivot", "--dburl", b.url("shop"), "--output", report,
          codes=(0, 1, 2))
    with open(report) as file:
        for check in json.load(file)["findings"]:
            for flag in check["flags"]:
                rule, _, item = flag.partition(":")
                yield rule, "", item, True


def splinter(b):
    for database in DATABASES:
        said = b.run(splinter_of(b), "dblint", "--reporter=json",
                     "--max-diagnostics=1000", "--connection-string", b.url(database))
        for one in json.loads(said[said.index("{"):])["diagnostics"]:
            named = re.search(r"`([^`\\]+)\\?`", one["message"])
            item = named.group(1) if named else ""
            yield one["category"].rsplit("/", 1)[1], database, item, True


def splinter_of(b):
    """The program itself: what starts it on other platforms cannot be had for all of them."""
    folder = f"{b.modules}/node_modules/{LANGUAGE_SERVER}"
    # npm keeps no mode that says it is a program.
    os.chmod(f"{folder}/postgres-language-server", 0o755)
    return f"{folder}/postgres-language-server"


LANGUAGE_SERVER = "@postgres-language-server/cli-x86_64-linux-gnu"


def supashield(b):
    for database in DATABASES:
        url = b.url(database, "auditor")
        for verb in ("audit", "lint"):
            rule = ""
            for line in b.run(b.npm("supashield"), verb, "--url", url).splitlines():
                heading = re.match(r"(?:CRITICAL|HIGH|MEDIUM|LOW): (.*)", line)
                named = re.match(r"\s+(?:Table|Policy): (\S+)", line)
                rule = heading.group(1) if heading else rule
                if named:
                    yield RULES_OF_SUPASHIELD.get(rule, rule), database, named.group(1), True


# Its headings have no identifiers: ours stand for them.
RULES_OF_SUPASHIELD = {
    "Tables with RLS DISABLED": "rls-disabled",
    "Tables with RLS enabled but NO POLICIES": "no-policies",
    "Always-true policies or critical security flaws": "always-true",
}


def plpgsql_check(b):
    for database in ("shop", "clinic"):
        b.psql(database, "CREATE EXTENSION IF NOT EXISTS plpgsql_check")
        said = b.psql(database, """
            SELECT c.level, n.nspname || '.' || p.proname
              FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
              JOIN pg_language AS l ON l.oid = p.prolang
             CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid, security_warnings => true,
                       performance_warnings => false, other_warnings => false,
                       extra_warnings => false) AS c
             WHERE l.lanname = 'plpgsql' AND p.prorettype <> 'trigger'::regtype
               AND n.nspname NOT IN ('pg_catalog', 'information_schema')""")
        for line in said.splitlines():
            level, item = line.split("|")
            yield level, database, item, True


ACTIONS = ["disabled_triggers", "prepared_txns", "txn_wraparound", "autovac_freeze",
           "archive_ready"]


def check_postgres(b):
    for action in ACTIONS:
        limits = ["--warning=1", "--critical=1"] if action == "disabled_triggers" else []
        said = b.run("check_postgres", f"--action={action}", "--host=127.0.0.1",
                     f"--port={b.port}", "--dbuser=boss", "--db=shop", *limits,
                     codes=(0, 1, 2))
        state = re.match(r"POSTGRES_\w+ (OK|WARNING|CRITICAL)", said)
        yield action, "", "", state.group(1) != "OK"


SERVICES = ["configuration", "archiver", "replication_slots", "extensions_versions",
            "table_unlogged", "invalid_indexes", "max_freeze_age", "hit_ratio"]


def check_pgactivity(b):
    program = "/usr/lib/nagios/plugins/check_pgactivity"
    for service in SERVICES:
        said = b.run(program, "-s", service, "-h", "127.0.0.1", "-p", b.port, "-U", "boss",
                     "--status-file", os.path.join(b.work, "pgactivity"), codes=(0, 1, 2))
        state = re.match(r"\w+ (OK|WARNING|CRITICAL)", said)
        yield service, "", "", state.group(1) != "OK"


def lynis(b):
    report, log = (os.path.join(b.work, name) for name in ("lynis.dat", "lynis.log"))
    b.run("lynis", "audit", "system", "--tests", "DBS-1826,DBS-1828", "--no-colors", "--quick",
          "--report-file", report, "--logfile", log, codes=range(256))
    with open(report) as file:
        said = file.read()
    yield "DBS-1826", "", "", "postgresql_running=1" not in said
    yield "DBS-1828", "", "", bool(re.search(r"^(warning|suggestion)\[\]=DBS-1828", said, re.M))


def sslscan(b):
    report = os.path.join(b.work, "sslscan.xml")
    b.run("sslscan", "--starttls-psql", f"--xml={report}", f"127.0.0.1:{b.port}")
    tree = xml.parse(report).getroot()
    old = [p for p in tree.iter("protocol") if p.get("enabled") == "1"
           and (p.get("type") == "ssl" or p.get("version") in ("1.0", "1.1"))]
    yield "old protocols", "", "", bool(old)
    weak = [c for c in tree.iter("cipher") if c.get("strength") in ("null", "anonymous", "weak")]
    yield "weak ciphers", "", "", bool(weak)
    signed = [s.text for s in tree.iter("self-signed")]
    yield "self-signed", "", "", signed == ["true"]


# What is asked of testssl.sh, by its own identifiers.
TESTSSL = ["TLS1", "TLS1_1", "TLS1_3", "cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT",
           "cipherlist_LOW", "cipherlist_OBSOLETED", "cipher_order", "DH_groups",
           "cert_subjectAltName", "cert_chain_of_trust", "cert_expirationStatus", "cert_keySize",
           "cert_signatureAlgorithm"]


def testssl(b):
    report = os.path.join(b.work, "testssl.json")
    b.run("testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "min", "-t",
          "postgres", "-p", "-s", "-P", "-S", "-f", "--jsonfile", report, f"127.0.0.1:{b.port}",
          codes=range(256))
    with open(report) as file:
        said = {one["id"]: one["severity"] for one in json.load(file)}
    for rule in TESTSSL:
        if rule in said:
            yield rule, "", "", said[rule] not in ("OK", "INFO")


def sslyze(b):
    report = os.path.join(b.work, "sslyze.json")
    b.run(f"{b.bin}/sslyze", "--starttls=postgres", f"--json_out={report}", "--quiet", "--sslv3",
          "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--certinfo", f"127.0.0.1:{b.port}")
    with open(report) as file:
        found = json.load(file)["server_scan_results"][0]["scan_result"]
    accepted = {
        name: [one["cipher_suite"]["name"] for one in part["result"]["accepted_cipher_suites"]]
        for name, part in found.items()
        if name.endswith("_cipher_suites") and part["status"] == "COMPLETED"
    }
    old = [accepted.get(f"{name}_cipher_suites") for name in ("ssl_3_0", "tls_1_0", "tls_1_1")]
    yield "old protocols", "", "", any(old)
    names = [name for names in accepted.values() for name in names]
    yield "anonymous ciphers", "", "", any("_anon_" in name for name in names)
    yield "ciphers without forward secrecy", "", "", any("_RSA_WITH_" in name and "DHE" not in name
                                                         for name in names)
    leaf = found["certificate_info"]["result"]["certificate_deployments"][0]
    trusted = [one["was_validation_successful"] for one in leaf["path_validation_results"]]
    yield "untrusted certificate", "", "", not any(trusted)
    names = leaf["received_certificate_chain"][0]["subject_alternative_name"]["dns_names"]
    yield "no alternative names", "", "", not names


def nmap(b):
    report = os.path.join(b.work, "nmap.xml")
    b.run("nmap", "-Pn", "-n", "-p", b.port, "-sV", "--script", "ssl-enum-ciphers", "-oX", report,
          "127.0.0.1")
    script = next(s for s in xml.parse(report).getroot().iter("script")
                  if s.get("id") == "ssl-enum-ciphers")
    said = script.get("output")
    yield "old protocols", "", "", bool(re.search(r"SSLv3|TLSv1\.[01]", said))
    yield "grade", "", "", "least strength: A" not in said
    yield "cipher preference", "", "", "cipher preference: client" in said


def hashcat(b):
    """The words that PASS-04 tries, in the same number: whose password do they find."""
    tried = guesses(b)
    for mode, kind in (("28600", "SCRAM-SHA-256"), ("12", "md5")):
        for role, verifier in verifiers(b, kind):
            hashes, words = (os.path.join(b.work, name) for name in ("hash", "words"))
            with open(hashes, "w") as file:
                file.write(verifier + "\n")
            with open(words, "w") as file:
                file.write("\n".join(tried[role]) + "\n")
            said = b.run("hashcat", "-m", mode, "-a", "0", "--quiet", "--potfile-disable",
                         "--force", "--self-test-disable", hashes, words)
            yield "guessed", "", role, bool(said.strip())


def verifiers(b, kind):
    rows = b.psql("postgres", f"SELECT rolname, rolpassword FROM pg_authid"
                              f" WHERE rolcanlogin AND rolpassword LIKE '{kind}%' ORDER BY 1")
    for row in csv.reader(rows.splitlines(), delimiter="|"):
        role, verifier = row
        yield role, verifier if kind != "md5" else f"{verifier[3:]}:{role}"


def guesses(b):
    """The words of PASS-04 for each role, taken from its query."""
    with open(PASS_04) as file:
        words = re.search(r"unnest\((ARRAY\[.*?\])\)", file.read(), re.S).group(1)
    rows = b.psql("postgres", f"""
        SELECT r.rolname, w.word FROM pg_roles AS r, unnest({words}) AS w(word)
         WHERE r.rolcanlogin""")
    tried = {}
    for row in rows.splitlines():
        role, word = row.split("|")
        tried.setdefault(role, []).append(word)
    return tried


def debian(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True,
                          text=True, check=True).stdout


def python(package):
    from importlib.metadata import version
    return version(package)


def npm_version(b, package):
    with open(os.path.join(b.modules, "node_modules", package, "package.json")) as file:
        return json.load(file)["version"]


# Name, where it comes from and in which version, what reads it.
TOOLS = [
    ("pgspot", lambda b: "PyPI " + python("pgspot"), pgspot),
    ("squawk", lambda b: "PyPI " + python("squawk-cli"), squawk),
    ("pgrls", lambda b: "PyPI " + python("pgrls"), pgrls),
    ("trespass", lambda b: "PyPI " + python("trespass-rls"), trespass),
    ("db-verifier", lambda b: "PyPI " + python("db-verifier"), db_verifier),
    ("db-fortress", lambda b: "PyPI " + python("db-fortress"), db_fortress),
    ("postgres-language-server",
     lambda b: "npm " + npm_version(b, LANGUAGE_SERVER), splinter),
    ("supashield", lambda b: "npm " + npm_version(b, "supashield"), supashield),
    ("plpgsql_check",
     lambda b: "Debian " + debian(f"postgresql-{b.major()}-plpgsql-check"), plpgsql_check),
    ("check_postgres", lambda b: "Debian " + debian("check-postgres"), check_postgres),
    ("check_pgactivity", lambda b: "Debian " + debian("check-pgactivity"), check_pgactivity),
    ("lynis", lambda b: "Debian " + debian("lynis"), lynis),
    ("sslscan", lambda b: "Debian " + debian("sslscan"), sslscan),
    ("testssl.sh", lambda b: "Debian " + debian("testssl.sh"), testssl),
    ("sslyze", lambda b: "PyPI " + python("sslyze"), sslyze),
    ("nmap", lambda b: "Debian " + debian("nmap"), nmap),
    ("hashcat", lambda b: "Debian " + debian("hashcat"), hashcat),
]
