"""What an offline W&B run keeps in its file, read back."""

import json
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

BLOCK, HEAD = 32768, 7  # LevelDB's log format: blocks of records with a head of checksum, length, kind


def messages(path: Path) -> list[bytes]:
    """The log's messages, put together from the pieces that fit in its blocks."""
    data, at, out, piece = path.read_bytes(), 7, [], b""  # the file begins with 7 bytes of W&B's own
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEAD])
        if at + HEAD + length > len(data):  # its writer is at it
            break
        piece += data[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if kind in (1, 4):  # whole, or the last piece
            out, piece = [*out, piece], b""
    return out


@dataclass
class Kept:
    """One W&B run: its head, {name: step metric}, its config and the dicts that were logged, in order."""

    group: str = ""
    job_type: str = ""
    id: str = ""
    exit_code: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    media: Path = Path()

    def curve(self, name: str) -> list[tuple[float, float]]:
        """(iteration, value) wherever it was logged."""
        return [(row["iteration"], row[name]) for row in self.rows if name in row]

    def last(self, name: str) -> Any:
        return next(row[name] for row in reversed(self.rows) if name in row)


def read_run(folder: Path, patience: float = 30) -> Kept:
    """The run kept in W&B's folder offline-run-<time>-<id>, whose process may end after ours."""
    until = time.monotonic() + patience
    while (kept := _read(folder)).exit_code is None and time.monotonic() < until:
        time.sleep(0.2)
    return kept


def _read(folder: Path) -> Kept:
    (path,) = folder.glob("*.wandb")
    kept = Kept(media=folder / "files")
    for message in messages(path):
        record = pb.Record.FromString(message)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            kept.id, kept.group, kept.job_type = record.run.run_id, record.run.run_group, record.run.job_type
            kept.config |= {item.key: json.loads(item.value_json) for item in record.run.config.update if item.key}
        elif kind == "history":
            row: dict[str, Any] = {}
            for item in record.history.item:
                row[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
            kept.rows.append(row)
        elif kind == "metric":
            kept.steps[record.metric.name or record.metric.glob_name] = record.metric.step_metric
        elif kind == "exit":
            kept.exit_code = record.exit.exit_code
    return kept
