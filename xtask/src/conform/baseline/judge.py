"""Reads the baseline's reports with programs of others.

judge.py FOLDER MODULES: FOLDER holds what the example `reports` wrote, MODULES the npm packages.
Prints `pass` or `fail`, the format, the judge and what was found, or `skip` and why. Where a judge
has words for a verdict, they must be those that are expected, check by check.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(sys.argv[1]).resolve()
MODULES = pathlib.Path(sys.argv[2]).resolve() / "node_modules"
HERE = pathlib.Path(__file__).parent
SARIF_SCHEMA = MODULES / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
MULTITOOL = MODULES / "@microsoft/sarif-multitool-linux/Sarif.Multitool"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}

ASSESSMENT = json.loads((FOLDER / "json.json").read_text())
VERDICTS = {result["id"]: result["verdict"] for result in ASSESSMENT["results"]}


def say(verdict, kind, judge, found):
    print(verdict, kind, judge, " ".join(str(found).split())[:400], sep="\t")


def equal(kind, judge, what, found, expected):
    verdict = "pass" if found == expected else "fail"
    say(verdict, kind, f"{judge}, {what}", f"{found!r}, where {expected!r} was expected")


def run(kind, judge, words, **more):
    """A program that ends with 0 where all is well. Answers what it printed."""
    ended = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=300, **more
    )
    verdict = "pass" if ended.returncode == 0 else "fail"
    say(verdict, kind, judge, f"ended with {ended.returncode}: {ended.stdout} {ended.stderr}")
    return ended.stdout


def words(by_verdict):
    return {check: by_verdict[verdict] for check, verdict in VERDICTS.items()}


def tool(name):
    return pathlib.Path(sys.executable).parent / name


def sarif():
    report = FOLDER / "sarif.sarif"
    # The schema has a pattern that is none in the Unicode mode of ECMAScript.
    words = [tool("check-jsonschema"), "--regex-variant", "nonunicode"]
    run("SARIF", "check-jsonschema", [*words, "--schemafile", SARIF_SCHEMA, report])
    expected = {"error": 0, "warning": 0, "note": 0}
    for result in ASSESSMENT["results"]:
        expected[LEVELS[result["severity"]]] += len(result.get("findings", []))
    from sarif import loader

    read = loader.load_sarif_file(str(report)).get_report()
    found = {level: read.get_issue_count_for_severity(level) for level in expected}
    equal("SARIF", "sarif-tools", "failures by level", found, expected)
    # npm keeps no mode that says it is a program.
    os.chmod(MULTITOOL, 0o755)
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log.sarif"
        quiet = {"env": {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": folder}}
        ended = subprocess.run(
            [MULTITOOL, "validate", report, "--output", log, "--quiet", "true"],
            capture_output=True, text=True, timeout=300, **quiet,
        )
        if not log.exists():
            say("fail", "SARIF", "SARIF Multitool", f"{ended.stdout} {ended.stderr}")
            return
        run_of_it = json.loads(log.read_text(encoding="utf-8-sig"))["runs"][0]
        notes = run_of_it["invocations"][0].get("toolExecutionNotifications", [])
        said = sorted(
            f"{result['ruleId']} {result.get('level', 'warning')}"
            for result in run_of_it.get("results", [])
        )
        wrong = [one for one in said if one.endswith(" error")]
        wrong += [str(note) for note in notes if note.get("level") == "error"]
        equal("SARIF", "SARIF Multitool", "errors", wrong, [])
        # It is silent, and content, where it cannot read a report at all: that the tool has no
        # `informationUri` it must have seen.
        equal("SARIF", "SARIF Multitool", "was read", "SARIF2005 warning" in said, True)
        for one in sorted({one for one in said if not one.endswith(" error")}):
            say("note", "SARIF", "SARIF Multitool", f"{one}, {said.count(one)} times")


def junit():
    from junitparser import Error, Failure, JUnitXml, Skipped

    names = {Failure: "failure", Error: "error", Skipped: "skipped"}
    found, n_cases = {}, 0
    report = JUnitXml.fromfile(str(FOLDER / "junit.xml"))
    for suite in report:
        for case in suite:
            n_cases += 1
            said = [names[type(result)] for result in case.result]
            found[case.name.split()[0]] = said[0] if said else "passed"
    expected = words({
        "pass": "passed", "fail": "failure", "cannot-tell": "error", "provider": "skipped",
        "not-applicable": "skipped",
    })
    equal("JUnit", "junitparser", "verdicts", found, expected)
    written = (report.tests, report.failures, report.errors, report.skipped)
    report.update_statistics()
    counted = (report.tests, report.failures, report.errors, report.skipped)
    equal("JUnit", "junitparser", "counts as written", written, counted)


def hdf():
    said = run("HDF", "inspecjs", ["node", HERE / "hdf.cjs", MODULES, FOLDER / "hdf.json"])
    expected = words({
        "pass": "Passed", "fail": "Failed", "cannot-tell": "Profile Error",
        "provider": "Not Reviewed", "not-applicable": "Not Applicable",
    })
    equal("HDF", "inspecjs", "verdicts", json.loads(said or "null"), expected)


def oscal():
    from trestle.oscal.assessment_results import AssessmentResults

    document = AssessmentResults.oscal_read(FOLDER / "oscal.json")
    say("pass", "OSCAL", "compliance-trestle", "read")
    found = {}
    result = document.results[0]
    observed = {one.uuid: one.title.split(":")[0] for one in result.observations}
    for finding in result.findings:
        check = observed[finding.related_observations[0].observation_uuid]
        state = finding.target.status.state
        found[check] = getattr(state, "value", state)
    expected = words({
        "pass": "satisfied", "fail": "not-satisfied", "cannot-tell": "not-satisfied",
        "provider": None, "not-applicable": None,
    })
    expected = {check: state for check, state in expected.items() if state}
    equal("OSCAL", "compliance-trestle", "verdicts", found, expected)
    with tempfile.TemporaryDirectory() as folder:
        trestle = [sys.executable, "-m", "trestle"]
        subprocess.run([*trestle, "init", "--local"], cwd=folder, check=True, capture_output=True)
        words_ = ["import", "-f", FOLDER / "oscal.json", "-o", "report"]
        run("OSCAL", "compliance-trestle, import", [*trestle, *words_], cwd=folder)
        words_ = ["validate", "-t", "assessment-results", "-n", "report"]
        run("OSCAL", "compliance-trestle, validate", [*trestle, *words_], cwd=folder)


def ocsf():
    from jsonschema import Draft202012Validator
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

    events = json.loads((FOLDER / "ocsf.json").read_text())
    expected = words({
        "pass": "Pass", "fail": "Fail", "cannot-tell": "Unknown", "provider": "Other",
        "not-applicable": "Other",
    })
    found = {}
    for event in events:
        read = ComplianceFinding(**event)
        found[event["metadata"]["event_code"]] = read.compliance.status_id.name
    equal("OCSF", "py-ocsf-models", "verdicts", found, expected)
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=events[0]["metadata"]["version"]))
    schema = schemas.get_class_schema(schemas.lookup_class_name_from_uid(2003))
    validator = Draft202012Validator(schema)
    wrong = [f"{e.json_path}: {e.message}" for one in events for e in validator.iter_errors(one)]
    equal("OCSF", "ocsf-json-schema", "errors", wrong[:3], [])


def html():
    words = ["node", MODULES / "html-validate/bin/html-validate.mjs"]
    run("HTML", "html-validate", [*words, "--preset", "standard", FOLDER / "html.html"])


for judge in (sarif, junit, hdf, oscal, ocsf, html):
    try:
        judge()
    except Exception as error:  # a judge that cannot read a report has refused it
        say("fail", judge.__name__, "read", f"{type(error).__name__}: {error}")
