"""The report's files."""

from itertools import chain
from pathlib import Path

from mvm.paper import read
from mvm.report import archive
from mvm.report.checked import checked
from mvm.report.claims import BY_BEST, PRINTED, RULE, Verdict, judge
from mvm.report.draw import draw
from mvm.report.html import page
from mvm.report.kind import left_out, of_one_kind
from mvm.report.records import Entry, merged, of_data, read_entries
from mvm.report.samples import panels
from mvm.report.series import gather
from mvm.report.tables import FAMILIES, fill
from mvm.report.text import markdown, write_cells
from mvm.terminal import say
from mvm.whole import write_text, write_whole


def write_report(outputs: Path, profile: str, to: Path) -> Path:
    """Write table1.md ... table10.md, cells.csv, claims.md, the figures and index.html into `to`; returns the page.

    records.zip beside them keeps what they were made from; what it has and `outputs` has not is shown, too.
    """
    kept = archive.opened(to)
    exhibits = checked(merged(read_entries(outputs, profile), read_entries(kept, profile) if kept else {}))
    shown = {name: of_one_kind(entries) for name, entries in exhibits.items()}
    for name, entries in exhibits.items():
        if others := left_out(entries, shown[name]):
            say(f"{name} leaves out what was made with other settings than the last of its kind: {', '.join(others)}")
    _tell_what_is_kept(exhibits)
    tables = [fill(name, shown.get(name, [])) for name in read("tables")]
    for table in tables:
        write_text(to / f"{table.name}.md", markdown(table, profile))
    write_whole(to / "cells.csv", lambda temporary: write_cells(temporary, tables, profile))
    in_tables = [entry for name in read("tables") for entry in shown.get(name, [])]
    judged = of_one_kind(in_tables)
    if others := left_out(in_tables, judged):
        say(f"the claims are judged without what differs between tables: {', '.join(others)}")
    verdicts = judge(judged)
    write_text(to / "claims.md", claims_text(verdicts, profile))
    figures = [gather(name, shown.get(name, [])) for name in read("figures")]
    for figure in figures:
        draw(figure, panels(figure.entries) if figure.kind == "samples" else [], to)
    archive.keep(exhibits, profile, to)
    index = to / "index.html"
    write_text(index, page(profile, tables, figures, verdicts, to))
    return index


def _tell_what_is_kept(exhibits: dict[str, list[Entry]]) -> None:
    """How much is of an earlier report's records, and which data sets are not shown beside this machine's."""
    entries = list(chain(*exhibits.values()))
    if kept := {entry.folder.name for entry in entries if not entry.ours}:
        say(f"{len(kept)} of {len({entry.folder.name for entry in entries})} runs are from {archive.NAME}")
    for name, of in exhibits.items():
        shown = {entry.data for family in FAMILIES for entry in of_data(of, family)}
        if others := {entry.data for entry in of} - shown:
            say(f"{name} is of {', '.join(sorted(shown))}; {archive.NAME} has {', '.join(sorted(others))}, too")


def claims_text(verdicts: list[Verdict], profile: str) -> str:
    """The claims as a Markdown table: a verdict an eta with the difference and its 95 % interval. Then the checks."""
    lines = [
        "# Claims",
        "",
        f"Profile `{profile}`. {RULE}",
        "",
        "| claim | section | attacker | verdicts |",
        "|---|---|---|---|",
    ]
    for claim in read("claims"):
        for attacker in (PRINTED, BY_BEST):
            own = [v for v in verdicts if (v.claim, v.attacker) == (claim["id"], attacker)]
            if own:
                told = "<br>".join(f"η {v.eta:g}: {_told(v)}" for v in own)
                lines.append(f"| {claim['text']} | {claim['section']} | {attacker} | {told} |")
    return "\n".join([*lines, *_checks(verdicts), ""])


def _checks(verdicts: list[Verdict]) -> list[str]:
    """What each check named in the table says; a caution is its id, its text and the score it is about."""
    texts = sorted({caution.rpartition(": ")[0] for v in verdicts for caution in v.cautions})
    if not texts:
        return []
    head = "Checks that a compared score did not pass (! strikes it); index.html says which score:"
    return ["", head, "", *(f"- {text}" for text in texts)]


def _told(v: Verdict) -> str:
    if v.difference is None:
        return v.verdict
    held = f", margin {v.margin:+g}" if v.margin else ""
    numbers = (
        f"{v.difference:+.3f} [{v.low:+.3f}, {v.high:+.3f}]{held}, p {v.p:.2g}, {v.seeds} seed{'s' * (v.seeds > 1)}"
    )
    ids = sorted({caution.split()[0] for caution in v.cautions})
    leans = f", leans {v.leans}" if v.leans else ""
    return f"**{v.verdict}**{leans} ({numbers}){'; ' * bool(ids)}{' '.join(ids)}"
