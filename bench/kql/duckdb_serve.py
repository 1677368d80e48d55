"""DuckDB's side of `cargo xtask bench kql`: answers queries that are named on standard input.

For each name one line of JSON, {"name","ms","rows"}, and then so many rows, their values as text
with tabs between. A name that ends in `.check` is a query whose time nobody looks at.
"""

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import duckdb

folder, queries, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
connection = duckdb.connect(config={"threads": threads})
connection.execute("SET TimeZone = 'UTC'")
connection.execute(f"CREATE VIEW Events AS SELECT * FROM read_parquet('{folder}/events.parquet')")


def shown(value):
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond:06d}0Z"
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return str(value).replace("\t", " ").replace("\n", " ")


for line in sys.stdin:
    name = line.strip()
    text = (queries / f"{name}.sql").read_text()
    started = time.perf_counter()
    rows = connection.execute(text).fetchall()
    ms = (time.perf_counter() - started) * 1000
    print(f'{{"name":"{name}","ms":{ms:.3f},"rows":{len(rows)}}}')
    for row in rows:
        print("\t".join(shown(value) for value in row))
    sys.stdout.flush()
