#!/usr/bin/env python3
"""sanity-report.py SKIPS REPORT.json...: sums up ginkgo's reports, each named DRIVER-ACCESS.json.

Fails when a case failed, when a case was skipped that SKIPS does not list, and when SKIPS lists one that was not
skipped: so the list is neither too short nor out of date."""
import json, pathlib, sys


def listed_skips(path):
    """(suite, case, reason) each; a line is SUITE,SUITE | CASE | REASON."""
    skips = []
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not all(fields):
            sys.exit(f"{path}:{number}: not SUITES | CASE | REASON: {line}")
        skips += [(suite.strip(), fields[1], fields[2]) for suite in fields[0].split(",")]
    return skips


def cases_of(path):
    for suite in json.loads(pathlib.Path(path).read_text()):
        for report in suite["SpecReports"] or []:
            if report["LeafNodeType"] == "It":
                text = " ".join((report["ContainerHierarchyTexts"] or []) + [report["LeafNodeText"]])
                yield text, report["State"], (report.get("Failure") or {}).get("Message", "")
            elif report["State"] != "passed":
                yield report["LeafNodeType"], report["State"], (report.get("Failure") or {}).get("Message", "")


skips = listed_skips(sys.argv[1])
used, problems = set(), []
passed = failed = skipped = 0
for path in sys.argv[2:]:
    suite = pathlib.Path(path).stem
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case, state, message in cases_of(path):
        if state == "passed":
            counts["passed"] += 1
        elif state in ("skipped", "pending"):
            counts["skipped"] += 1
            found = [skip for skip in skips if skip[0] == suite and skip[1] == case]
            used.update(found)
            if not found:
                problems.append(f"{suite}: skipped and not in the list: {case} ({message or state})")
        else:
            counts["failed"] += 1
            problems.append(f"{suite}: {state}: {case}: {' '.join(message.split())[:300]}")
    if not counts["passed"]:
        problems.append(f"{suite}: nothing ran")
    print(f"{suite}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    passed, failed, skipped = passed + counts["passed"], failed + counts["failed"], skipped + counts["skipped"]
problems += [f"{suite}: listed and not skipped: {case}" for suite, case, reason in skips if (suite, case, reason) not in used]
for problem in problems:
    print("NOT:", problem)
failed += sum(1 for problem in problems if "listed" in problem or "not in the list" in problem or "nothing ran" in problem)
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if problems else 0)
