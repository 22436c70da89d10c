"""A tester's JSON reports as a Markdown table: one row for each server."""

SEVERITIES = ["critical", "high", "medium", "low", "info"]
SHOWN = 3


def table(rows):
    """`rows`: (server, version, grade, findings), the last one as text."""
    lines = ["| server | version | grade | worst findings |", "| --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def worst(report):
    """The probes that failed, the worst first: `D1 critical: …; B1 …; and 4 more`."""
    failed = [probe for probe in report.get("probes", []) if probe.get("verdict") == "fail"]
    failed.sort(key=lambda probe: _badness(probe.get("severity")))
    said = [f"{probe.get('id')} {probe.get('severity')}: {probe.get('reason')}" for probe in failed[:SHOWN]]
    more = len(failed) - len(said)
    if more > 0:
        said.append(f"and {more} more")
    return "; ".join(said) or _clean(report)


def grade(report):
    """Scenarios have none: they pass or fail."""
    return report.get("grade") or "-"


def _clean(report):
    if report.get("grade"):
        return "none"
    verdicts = [probe.get("verdict") for probe in report.get("probes", [])]
    return f"{verdicts.count('pass')} of {len(verdicts)} scenarios passed"


def _badness(severity):
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _cell(text):
    return " ".join(str(text).replace("|", "\\|").split())
