"""Reads tables that pgkeep's store wrote with readers of others.

judge.py TABLES FACTS [OPTIONS]: TABLES is a folder or a URL, FACTS has a line of JSON for each
table, what pgkeep says it holds; OPTIONS says in JSON how delta-rs reaches the URL. Prints `pass`
or `fail` for each thing that is compared, the values behind it, or `skip` and why.
"""

import json
import os
import sys

import duckdb
from deltalake import DeltaTable, QueryBuilder

QUESTION = """
SELECT count(*) AS n, sum("N") AS sum_n, sum("Small") AS sum_small, count("Small") AS n_small,
  sum("Ratio") AS sum_ratio, sum(CASE WHEN "Flag" THEN 1 ELSE 0 END) AS n_flag,
  sum(CASE WHEN "Text" = '' THEN 1 ELSE 0 END) AS n_empty, sum(length("Text")) AS chars,
  CAST(sum("Span") AS BIGINT) AS sum_span, {bag} AS sum_bag,
  CAST(min("TimeGenerated") AS VARCHAR) AS first, CAST(max("TimeGenerated") AS VARCHAR) AS last
FROM {table}
"""


def said(what, found, expected):
    verdict = "pass" if found == expected else "fail"
    print(f"{verdict}\t{what}\t{found!r}, where {expected!r} was written")


def moment(text):
    """A moment as the facts have it: six digits behind the point, no zone."""
    text = str(text).replace(" ", "T").replace("+00:00", "").replace("+00", "").rstrip("Z")
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(6, '0')[:6]}"


def compare(reader, table, row, facts):
    for name, expected in facts.items():
        if name == "table" or name not in row:
            continue
        found = row[name]
        if name in ("first", "last"):
            found, expected = moment(found), moment(expected)
        elif isinstance(expected, float):
            found = float(found)
        else:
            found = int(found)
        said(f"{reader}, {table}, {name}", found, expected)


def by_delta_rs(path, facts, options):
    delta = DeltaTable(path, storage_options=options)
    builder = QueryBuilder().register("t", delta)
    # The engine of delta-rs has no functions for JSON.
    text = "sum(CAST(substr(\"Bag\", 6, length(\"Bag\") - 6) AS BIGINT))"
    batch = builder.execute(QUESTION.format(table="t", bag=text)).read_all()
    row = {name: batch.column(name)[0].as_py() for name in batch.schema.names}
    compare("delta-rs", facts["table"], row, facts)
    sums = [add["num_records"] for add in adds(delta)]
    said(f"delta-rs, {facts['table']}, rows of the log", sum(sums), facts["n"])
    days = {add["partition"]["Day"] for add in adds(delta)}
    said(f"delta-rs, {facts['table']}, days by name", all(len(str(d)) == 10 for d in days), True)
    return delta


def adds(delta):
    table = delta.get_add_actions()
    names = table.schema.names
    for at in range(table.num_rows):
        row = {name: table.column(name)[at].as_py() for name in names}
        day = row.get("partition") or row.get("partition_values")
        yield {"num_records": row["num_records"], "partition": day}


def by_duckdb(delta, facts):
    files = [uri.removeprefix("file://") for uri in delta.file_uris()]
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    scan = f"read_parquet({files!r}, union_by_name = true)"
    bag = "CAST(sum(CAST(json_extract(\"Bag\", '$.n') AS BIGINT)) AS BIGINT)"
    row = duck.execute(QUESTION.format(table=scan, bag=bag))
    names = [column[0] for column in row.description]
    compare("DuckDB", facts["table"], dict(zip(names, row.fetchone())), facts)
    n_odd = 0
    for file in files:
        order = duck.execute(
            "SELECT count(*) FROM (SELECT \"TimeGenerated\" < lag(\"TimeGenerated\") OVER ("
            "ORDER BY file_row_number) AS odd FROM read_parquet(?, file_row_number = true)) "
            "WHERE odd",
            [file],
        ).fetchone()[0]
        n_odd += order
    said(f"DuckDB, {facts['table']}, rows before an earlier one in their file", n_odd, 0)


def through_log(delta, path, facts, options):
    """The whole log is read again from the checkpoint, as commits before it are gone."""
    if options is None:
        log = sorted(os.listdir(os.path.join(path, "_delta_log")))
        first = min(name for name in log if name.endswith(".json"))
        gone = first > f"{0:020}.json"
        hint = json.load(open(os.path.join(path, "_delta_log", "_last_checkpoint")))
        said(f"delta-rs, {facts['table']}, version", delta.version() >= hint["version"], True)
    else:
        gone = is_gone(path, options)
    said(f"delta-rs, {facts['table']}, first commits are gone", gone, True)
    configuration = delta.metadata().configuration
    expected = "3650" if facts["table"] == "Events" else None
    name = "pgkeep.retentionDays"
    said(f"delta-rs, {facts['table']}, property", configuration.get(name), expected)
    said(
        f"delta-rs, {facts['table']}, mark of the source",
        delta.transaction_version("source:the judge"),
        27,
    )


def is_gone(path, options):
    """Whether the first version can no longer be gone back to."""
    try:
        DeltaTable(path, version=0, storage_options=options)
    except Exception:
        return True
    return False


def main():
    tables, facts_path = sys.argv[1:3]
    options = None
    if len(sys.argv) > 3:
        with open(sys.argv[3]) as file:
            options = json.load(file)
    with open(facts_path) as lines:
        for line in lines:
            facts = json.loads(line)
            path = f"{tables}/{facts['table']}"
            delta = by_delta_rs(path, facts, options)
            through_log(delta, path, facts, options)
            if options is None:
                by_duckdb(delta, facts)
    if options is not None:
        print("skip\tDuckDB\tits extension for object stores is loaded from a server of theirs")


main()
