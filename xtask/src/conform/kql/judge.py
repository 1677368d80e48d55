"""Judges `pgkeep kql` by the public queries of a corpus folder.

    judge.py rules PGKEEP CORPUS    what is planned, and the columns that come out
    judge.py docs PGKEEP CORPUS     documented examples with their printed tables

Prints lines of fields divided by tabs: `count NAME N`, and `differs ID WHY` for what differs. How
values are compared is written in the README beside the corpus. Only the standard library is used.
"""

import json
import math
import os
import re
import subprocess
import sys


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def answers(pgkeep, words):
    """The answers of one call by id; a crash leaves those before it."""
    done = subprocess.run([pgkeep, "kql", *words, "-o", "json"], capture_output=True, check=False)
    found = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if line.strip():
            answer = json.loads(line)
            found[answer["id"]] = answer
    return found, done


def rules(pgkeep, corpus):
    queries = lines(os.path.join(corpus, "rules-dev.jsonl"))
    verdicts = {v["id"]: v for v in lines(os.path.join(corpus, "rules-dev-schemas.jsonl"))}
    schema = os.path.join(corpus, "table-schemas.json")
    found, done = answers(
        pgkeep, ["check", "--schema", schema, os.path.join(corpus, "rules-dev.jsonl")]
    )
    result = {
        "n_sound": 0, "n_planned": 0, "n_columns": 0, "n_columns_equal": 0,
        "n_refused": 0, "n_refused_too": 0, "failures": [], "stderr": tail(done.stderr),
    }
    # A table or function of some workspace is missing: a product that has it may plan the query.
    absent = ("KS204", "KS211")
    for query in queries:
        verdict, answer = verdicts[query["id"]], found.get(query["id"])
        planned = bool(answer and answer["ok"])
        if not verdict["ok"]:
            if not all(error.startswith(absent) for error in verdict["errors"]):
                result["n_refused"] += 1
                result["n_refused_too"] += not planned
            continue
        result["n_sound"] += 1
        result["n_planned"] += planned
        why = None
        if not planned:
            why = "no answer" if answer is None else first_error(answer)
        if verdict["columns"] is not None:
            result["n_columns"] += 1
            expected = [(c["name"], c["type"]) for c in verdict["columns"]]
            got = [(c["name"], c["type"]) for c in (answer or {}).get("columns") or []]
            equal = planned and expected == got
            result["n_columns_equal"] += equal
            if planned and not equal:
                why = difference(expected, got)
        if why:
            result["failures"].append({"id": query["id"], "why": why})
    return result


def first_error(answer):
    for found in answer["diagnostics"]:
        if found["severity"] == "error":
            return f"{found['code']} {found['message']} at {found['start']}"
    return "not planned, without an error"


def difference(expected, got):
    for at, (want, have) in enumerate(zip(expected, got)):
        if want != have:
            return f"column {at}: {have} instead of {want}"
    return f"{len(got)} columns instead of {len(expected)}"


def docs(pgkeep, corpus):
    path = os.path.join(corpus, "docs-dev.jsonl")
    examples = lines(path)
    found, done = answers(pgkeep, ["run", path])
    kinds = ("plain", "geo", "graph")
    result = {f"n_{kind}{what}": 0 for kind in kinds for what in ("", "_equal")}
    result |= {"failures": [], "stderr": tail(done.stderr)}
    for example in examples:
        page = os.path.basename(example["page"])
        kind = next((k for k in ("geo", "graph") if page.startswith(f"{k}-")), "plain")
        answer = found.get(example["id"])
        try:
            why = compare_tables(example, answer)
        except (TypeError, ValueError, KeyError) as error:
            why = f"not comparable: {error!r}"
        result[f"n_{kind}"] += 1
        result[f"n_{kind}_equal"] += why is None
        if why is not None:
            result["failures"].append({"id": example["id"], "why": f"{page}: {why}"})
    return result


def compare_tables(example, answer):
    if answer is None:
        return "no answer"
    if not answer["ok"]:
        return f"error: {answer.get('error')}"
    expected, printed = example["expected"], example.get("printed")
    columns = expected["columns"]
    names = [c["name"] for c in answer["columns"]]
    if len(names) != len(columns):
        return f"columns {names} instead of {[c['name'] for c in columns]}"
    for want, have in zip(columns, answer["columns"]):
        if "printed_name" not in want and want["name"] != have["name"]:
            return f"column {have['name']} instead of {want['name']}"
        if want["type"] != have["type"]:
            return f"column {want['name']} is {have['type']} instead of {want['type']}"
    rows, got = expected["rows"], answer["rows"]
    if len(rows) != len(got):
        return f"{len(got)} rows instead of {len(rows)}"
    unordered = example["arrays_unordered"]

    def equal(at, row):
        cells = printed[at] if printed and at < len(printed) else [None] * len(columns)
        for column, want, have, text in zip(columns, rows[at], row, cells):
            if column.get("judged") is False:
                continue
            if not equal_cells(column["type"], want, have, text, unordered):
                return f"{column['name']}: {shown(have)} instead of {shown(want)}"
        return None

    order = example["order"]
    if order is not None:
        keys = [key[0] for key in order]
        at_keys = [i for i, c in enumerate(columns) if c["name"] in keys]
        for at in range(len(rows)):
            for i in at_keys:
                if not equal_cells(columns[i]["type"], rows[at][i], got[at][i],
                                   printed[at][i] if printed else None, unordered):
                    return f"row {at}: sort key {shown(got[at][i])} not {shown(rows[at][i])}"
    left = list(range(len(got)))
    for at in range(len(rows)):
        reasons = []
        for i in left:
            why = equal(at, got[i])
            if why is None:
                left.remove(i)
                break
            reasons.append(why)
        else:
            return f"row {at}: {reasons[0] if reasons else 'none left'}"
    return None


def shown(value):
    text = json.dumps(value)
    return text if len(text) < 120 else text[:120] + "…"


def equal_cells(kind, want, have, printed, unordered):
    if kind == "string":
        return spaces(want or "") == spaces(have or "")
    if want is None or have is None:
        return want is None and have is None
    if kind in ("real", "decimal"):
        return equal_reals(want, have, printed)
    if kind == "dynamic":
        return equal_json(want, have, unordered)
    return want == have


def spaces(text):
    return re.sub(r"\s+", " ", str(text)).strip()


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def equal_reals(want, have, printed):
    a, b = number(want), number(have)
    if a is None or b is None:
        return want == have
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if a == b or math.isclose(a, b, rel_tol=1e-9):
        return True
    text = printed if isinstance(printed, str) and number(printed) is not None else repr(a)
    return abs(a - b) <= tolerance(text)


def tolerance(text):
    """One unit of the last printed digit, by how many digits there are."""
    match = re.fullmatch(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?", text.strip())
    if not match:
        return 0.0
    whole, fraction, exponent = match.group(1), match.group(2), int(match.group(3) or 0)
    digits = len((whole + fraction).lstrip("0"))
    unit = 10.0 ** (exponent - len(fraction))
    if digits >= 4:
        return unit * 1.000001
    if digits in (2, 3) and len(fraction) == 2:
        return unit * 0.500001
    return 0.0


def equal_json(want, have, unordered):
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have or (isinstance(want, int) and isinstance(have, int) and want == have)
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return equal_reals(want, have, None)
    if isinstance(want, list) and isinstance(have, list):
        if len(want) != len(have):
            return False
        if not unordered:
            return all(equal_json(a, b, unordered) for a, b in zip(want, have))
        left = list(have)
        for a in want:
            for i, b in enumerate(left):
                if equal_json(a, b, unordered):
                    del left[i]
                    break
            else:
                return False
        return True
    if isinstance(want, dict) and isinstance(have, dict):
        return want.keys() == have.keys() and all(
            equal_json(want[key], have[key], unordered) for key in want
        )
    if isinstance(want, str) and isinstance(have, str):
        return spaces(want) == spaces(have)
    return want == have


def tail(data):
    return data.decode("utf-8", "replace")[-2000:]


def main():
    what, pgkeep, corpus = sys.argv[1:4]
    judge = {"rules": rules, "docs": docs}[what]
    result = judge(pgkeep, corpus)
    for failure in result.pop("failures"):
        print("differs", failure["id"], failure["why"].replace("\t", " "), sep="\t")
    said = result.pop("stderr")
    for name, n in result.items():
        print("count", name, n, sep="\t")
    if said:
        print(said, file=sys.stderr)


if __name__ == "__main__":
    main()
