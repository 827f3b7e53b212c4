"""Findings as lines, and many equal ones as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from scheduler.calendar.finding import Finding

REPEATED = 4
"""From so many on, equal warnings are one line."""
MANY = 20
"""More different warnings of one rule than this are cut short."""
_KEPT = 10


def as_text(finding: Finding) -> str:
    """A line as a compiler writes it: `content/news/lupa.md:4:13: error publish-at-gap: …`."""
    place = f"{finding.file}:{finding.line}:{finding.column}"
    return f"{place}: {finding.severity} {finding.rule}: {finding.message}"


def summarise(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by file and line, every error as it is, repeated warnings summed up at their first place.

    Equal warnings (same rule and message) from `REPEATED` on become one that tells how many there are. Of a
    rule that then still has over `MANY`, the most frequent are kept, and the last one tells of the others.
    """
    errors, warnings = [], defaultdict(list)
    for one in findings:
        if one.severity == "error":
            errors.append(one)
        else:
            warnings[one.rule].append(one)
    kept = errors + [one for rule in warnings.values() for one in _summed(rule)]
    return sorted(kept, key=_order)


def _order(one: Finding) -> tuple[str, int, int, str]:
    return one.file, one.line, one.column, one.rule


def _summed(warnings: list[Finding]) -> list[Finding]:
    groups: dict[str, list[Finding]] = defaultdict(list)
    for one in sorted(warnings, key=_order):
        groups[one.message].append(one)
    ranked = sorted(groups.values(), key=len, reverse=True)
    out = [one for group in ranked for one in ([_first(group)] if len(group) >= REPEATED else group)]
    if len(out) <= MANY:
        return out
    rest = out[_KEPT:]
    more = f" (And {len(rest):,} other warnings of this rule: `julki check FILE` tells those of one file.)"
    return [*out[: _KEPT - 1], replace(out[_KEPT - 1], message=out[_KEPT - 1].message + more)]


def _first(group: list[Finding]) -> Finding:
    files = len({one.file for one in group})
    where = f"{len(group):,} times in {files:,} files" if files != len(group) else f"in {files:,} files"
    return replace(group[0], message=f"{group[0].message} ({where}; this is the first.)")
