"""Compares what tools of others say of the cluster with an assessment of it.

judge.py WORK FIXTURE MODULES PORT HOME: WORK holds `assessment.json`. Prints, with tabs between:
  tool     name, version, rules that spoke, both, only they, only we
  differs  tool, they or we, rule or check, where, explanation (empty: there is none)
  beside   tool, rule, how often, why no check is about it
  alone    how many checks fail, and those of them of which no tool says anything
  waiting  tool, rule, check that this pgkeep does not have
  fault    what is wrong with the files of this comparison, or with a tool
"""

import csv
import json
import pathlib
import re
import sys
import time

from tools import DATABASES, TOOLS, Bench

HERE = pathlib.Path(__file__).parent


def say(*words):
    print(*(re.sub(r"\s+", " ", str(word)) for word in words), sep="\t", flush=True)


def table(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def key(by, database, item):
    """What two findings have in common when they are about the same thing."""
    if by == "fact":
        return "the server"
    if by == "name":
        return item
    # Schema and name: the arguments of a function, the policy of a table, the key are left out.
    return database + ":" + ".".join(re.sub(r"\(.*", "", item).split(".")[:2])


class Assessment:
    def __init__(self, path):
        with open(path) as file:
            self.results = {one["id"]: one for one in json.load(file)["results"]}

    def found(self, check, by):
        """Keys of what a check found; none where it did not fail."""
        result = self.results.get(check, {})
        found = result.get("findings", [])
        if by == "object":
            found = [one for one in found if one.get("database") in DATABASES]
        return {key(by, one.get("database"), one["item"]) for one in found}


class Explained:
    def __init__(self):
        self.rows = table("explained.tsv")
        self.used = set()

    def of(self, *wanted):
        """The first row that fits tool, side and rule, and whose place is this one or any."""
        for n, row in enumerate(self.rows):
            if (row["tool"], row["side"], row["rule"]) == wanted[:3] and (
                row["where"] in ("*", wanted[3])
            ):
                self.used.add(n)
                return row["why"]
        return ""

    def unused(self):
        return [row for n, row in enumerate(self.rows) if n not in self.used]


def compare(tool, version, said, assessment, explained):
    rules = {row["rule"]: row for row in table("rules.tsv") if row["tool"] == tool}
    for rule in sorted({rule for rule, *_ in said} - set(rules)):
        say("fault", f"{tool} said {rule}, which rules.tsv does not know")
    by_check = {}
    for row in rules.values():
        for check in filter(None, row["checks"].split(",")):
            by_check.setdefault(check, []).append(row)
            if check not in assessment.results:
                say("waiting", tool, row["rule"], check)
    both, only_they, only_we = set(), set(), set()
    theirs = {}
    for rule, database, item, bad in said:
        row = rules.get(rule)
        if row and bad:
            theirs.setdefault(rule, []).append(key(row["by"], database, item))
    for rule, keys in theirs.items():
        row = rules[rule]
        checks = [check for check in row["checks"].split(",") if check in assessment.results]
        if row["by"] == "beside":
            say("beside", tool, rule, len(keys), row["why"])
        elif checks:
            ours = set().union(*(assessment.found(check, row["by"]) for check in checks))
            both |= {(rule, one) for one in keys if one in ours}
            only_they |= {(rule, one) for one in keys if one not in ours}
    spoken = {rule for rule, *_ in said}
    for check, rows in by_check.items():
        # A rule of facts that was not asked says nothing; a linter is asked for all its rules.
        rows = [row for row in rows if row["by"] != "fact" or row["rule"] in spoken]
        known = {one for row in rows for one in theirs.get(row["rule"], [])}
        ours = {one for row in rows for one in assessment.found(check, row["by"])}
        only_we |= {(check, one) for one in ours - known}
    for side, found in (("they", only_they), ("we", only_we)):
        for rule, where in sorted(found):
            say("differs", tool, side, rule, where, explained.of(tool, side, rule, where))
    say("tool", tool, version, len(spoken), len(both), len(only_they), len(only_we))
    return {check for rule, _ in both for check in rules[rule]["checks"].split(",")}


def main():
    work, fixture, modules, port, home = sys.argv[1:6]
    bench = Bench(work, fixture, modules, port, home)
    assessment = Assessment(pathlib.Path(work) / "assessment.json")
    explained = Explained()
    seen = set()
    for name, version, read in TOOLS:
        started = time.monotonic()
        try:
            said = list(read(bench))
        except Exception as error:  # a tool that does not run has compared nothing
            say("fault", f"{name}: {type(error).__name__}: {error}")
            continue
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        if not said:
            say("fault", f"{name} said nothing at all")
        seen |= compare(name, version(bench), said, assessment, explained)
    failed = [one for one, result in assessment.results.items() if result["verdict"] == "fail"]
    say("alone", len(failed), ", ".join(one for one in failed if one not in seen))
    for row in explained.unused():
        say("fault", "explains nothing: " + " ".join(str(value) for value in row.values()))


main()
