"""The records behind a report, in one small file beside it: a report goes on where another machine's ended."""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mvm.errors import UserError
from mvm.recorded import kept
from mvm.report.records import WEIGHTS, Entry, Place
from mvm.whole import write_whole

NAME = "records.zip"
APART = "@"  # before the hash of the weights, in the name of a run that two machines made differently
FILES = ("config.yaml", "history.csv", "rounds.csv")  # of a run's folder: no weights


def opened(report: Path) -> Place | None:
    """The records kept in the folder of an earlier report, laid out as outputs are; None if it has none.

    Raises `UserError` if the file is damaged.
    """
    file = report / NAME
    if not file.exists():
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            if bad := archive.testzip():
                raise zipfile.BadZipFile(f"bad CRC of {bad}")
        return zipfile.Path(file)
    except (zipfile.BadZipFile, zlib.error, EOFError) as why:
        raise UserError(f"{file} is damaged ({why}); delete it, and the report has this machine's runs only") from why


def keep(exhibits: dict[str, list[Entry]], profile: str, report: Path) -> None:
    """Write what `mvm.report.records.read_entries` would read of these entries, and pictures of figures only.

    One command may give other weights on another machine: then both are kept, each run by its name and its weights.
    """
    contents: dict[str, bytes] = {}
    weights: dict[str, set[str]] = {}
    for entry in chain(*exhibits.values()):
        weights.setdefault(_name(entry), set()).add(entry.weights())
    for exhibit, entries in exhibits.items():
        for entry in entries:
            name = _name(entry)
            run = name if len(weights[name]) == 1 else f"{name}{APART}{entry.weights()}"
            note = json.dumps(json.loads(entry.note.read_text()) | {"run": run}, indent=1) + "\n"
            contents[f"exhibits/{profile}/{exhibit}/{entry.note.name}"] = note.encode()
            contents[f"runs/{run}/{WEIGHTS}"] = entry.weights().encode()
            for file in _of_run(entry, pictures=exhibit.startswith("figure")):
                contents[f"runs/{run}/{file}"] = portable(_at(entry.folder, file).read_bytes(), file)
    write_whole(report / NAME, lambda temporary: _write(temporary, contents))


def _name(entry: Entry) -> str:
    """Of the run where it was made."""
    return entry.folder.name.partition(APART)[0]


def portable(data: bytes, file: str) -> bytes:
    """Without this machine's folders: of another run's absolute path what begins with runs/ is kept."""
    text = file.endswith((".json", ".yaml"))
    return re.sub(rb"(?<=[\s\"'])/[^\n\"']*?/(?=runs/)", b"", data) if text else data


def _of_run(entry: Entry, *, pictures: bool) -> Iterator[str]:
    yield from (file for file in FILES if (entry.folder / file).exists())
    checks = entry.folder / "checks"
    yield from (f"checks/{file.name}" for file in (checks.iterdir() if checks.exists() else ()) if kept(file))
    for score in entry.scores.values():
        yield f"{score.cells}/{score.file.name}"
        if pictures and score.pictures.exists():
            yield f"{score.cells}/{score.pictures.name}"


def _at(folder: Place, file: str) -> Place:
    for part in file.split("/"):
        folder = folder / part
    return folder


def _write(path: Path, contents: dict[str, bytes]) -> None:
    """The same records give the same bytes, whatever the clock says."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
