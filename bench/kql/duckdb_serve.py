"""DuckDB's side of `cargo xtask bench kql`: answers queries that are named on standard input.

For each name one line of JSON: {"name","ms","rows":[["..."]]}, every value as text.
"""

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import duckdb

folder, queries, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
connection = duckdb.connect(config={"threads": threads, "TimeZone": "UTC"})
connection.execute(f"CREATE VIEW Events AS SELECT * FROM read_parquet('{folder}/events.parquet')")


def shown(value):
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond:06d}0Z"
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


for line in sys.stdin:
    name = line.strip()
    text = (queries / f"{name}.sql").read_text()
    started = time.perf_counter()
    rows = connection.execute(text).fetchall()
    ms = (time.perf_counter() - started) * 1000
    answer = {"name": name, "ms": round(ms, 3), "rows": [[shown(v) for v in row] for row in rows]}
    print(json.dumps(answer), flush=True)
