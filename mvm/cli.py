"""Entry points that answer a mistake with one line and a non-zero exit status."""

import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException, ValidationError

from mvm.cpu import share_cores
from mvm.errors import UserError
from mvm.schema import CONF, register

UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST)


def entry(config_name: str, task: Callable[[DictConfig, list[str]], None]) -> None:
    """Run `task(settings, overrides)` under Hydra. HYDRA_FULL_ERROR=1 shows tracebacks instead of one line.

    In a sweep a failing job is reported by its overrides when it fails and the others go on; at the end
    all that failed are named again, and the exit status says so.
    """
    share_cores()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MVM_FAILED"] = str(Path(folder) / "failed")  # a file, because jobs may be processes of their own
        _entry(config_name, task)


def _entry(config_name: str, task: Callable[[DictConfig, list[str]], None]) -> None:
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"

    def job(cfg: DictConfig) -> None:
        """`task`, whose failure is told in one line, in a sweep with the job's overrides."""
        now = HydraConfig.get()
        try:
            task(cfg, list(now.overrides.task))
        except Exception as why:
            line = explain(why)
            if now.mode == RunMode.MULTIRUN:
                _note_failure(f"job {now.job.num} ({' '.join(now.overrides.task)}) failed: {line or repr(why)}")
            elif line and not full:
                _fail(line)
            raise

    register()
    for flag in {"-m", "--multirun"} & set(sys.argv):  # argparse wants it before the first override
        sys.argv.remove(flag)
        sys.argv.insert(1, flag)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints several lines and exits by itself
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
    except KeyboardInterrupt:
        again = "the same command without force=true" if "force=true" in sys.argv else "the same command"
        print(f"mvm: interrupted; {again} goes on from the last checkpoint, if there is one yet", file=sys.stderr)
        sys.exit(130)
    except Exception as why:
        line = explain(why)
        failed = _failures()
        for job_line in failed:
            print(f"mvm: {job_line}", file=sys.stderr)
        if full or not line:
            raise
        _fail(f"{len(failed)} of the jobs failed, see above; what others made is kept" if failed else line)
    finally:
        if not full:  # what this process starts later decides for itself
            del os.environ["HYDRA_FULL_ERROR"]


def _note_failure(line: str) -> None:
    """Say it now, and keep it for the end."""
    print(f"mvm: {line}", file=sys.stderr)
    # A job on another machine has no such folder: then its own error, which the launcher hands on, is all there is.
    with suppress(KeyError, OSError), open(os.environ["MVM_FAILED"], "a") as file:
        file.write(line + "\n")


def _failures() -> list[str]:
    """The failed jobs of this sweep, in the order in which they failed."""
    noted = Path(os.environ["MVM_FAILED"])
    return noted.read_text().splitlines() if noted.exists() else []


def _fail(line: str) -> None:
    print(f"mvm: {line}", file=sys.stderr)
    sys.exit(1)


def explain(why: BaseException) -> str | None:
    """One line for a mistake that the user can mend; None for anything else: a bug, whose traceback is wanted."""
    if isinstance(why, UserError):
        return _line(str(why))
    if isinstance(why, InstantiationException) and why.__cause__ is not None:
        _, _, key = str(why).partition("full_key: ")
        return (f"{key}: " if key else "") + _line(str(why.__cause__))
    if isinstance(why, HydraException | OmegaConfBaseException):
        return _explain_settings(why)
    if isinstance(why, OSError):
        where = f" {why.filename}" if why.filename else ""
        elsewhere = "; outputs=DIR names another output folder" if why.errno in UNWRITABLE else ""
        return f"cannot read or write{where}: {why.strerror or why}{elsewhere}"
    return None


def _explain_settings(why: Exception) -> str:
    """A setting that Hydra refused: what was given, and what is allowed."""
    cause: Any = why.__cause__ if isinstance(why.__cause__, OmegaConfBaseException) else why
    if isinstance(cause, ConfigKeyError | ConfigAttributeError) and isinstance(cause.parent_node, DictConfig):
        allowed = [str(key) for key in cause.parent_node if key not in ("hydra", "budget", "budgets")]
        of = str(cause.parent_node.get("_target_", "")).rpartition(".")[2]
        none = "; no job of the sweep was started" if "--multirun" in sys.argv or "-m" in sys.argv else ""
        return f"unknown setting {cause.full_key}{of and f' of {of}'}; allowed: {', '.join(allowed)}{none}"
    if isinstance(cause, ValidationError):
        return f"{cause.full_key}: {_line(str(cause.msg))}"
    if isinstance(why, OverrideParseException):
        if "=" not in why.override:
            return f"cannot read {why.override}: settings are written name=value, for example 'runs=outputs/runs/*'"
        key, first = why.override.partition("=")[0], str(why).splitlines()[0]
        return f"cannot read {why.override}: {first}; a value with brackets or = in it needs quotes: '{key}=\"...\"'"
    line = _line(str(why).partition("Config search path")[0])
    if several := re.match(r"Ambiguous value for argument '((?:table|figure)=(\S+))'", line):
        return f"{several[1]}: one preset a command; several are `make {several[2].replace(',', ' ')}`"
    if several := re.match(r"Could not override '(data|game|classifier|recipe|table|figure)'", line):
        line += f" The runs have a {several[1]} of their own: choose by runs=."
    if "attacks/" in line or "members/" in line:  # Hydra lists a group's options, but not where several were asked for
        line += f" Available: {', '.join(sorted(file.stem for file in CONF.glob('attack/*.yaml')))}"
    return line


def _line(text: str) -> str:
    """Several lines in one; an indented list becomes a list with commas."""
    text = text.replace("\n\t", ", ").replace(":, ", ": ")
    parts = [part.strip() for part in text.splitlines()]
    return "; ".join(part for part in parts if part and not part.startswith(("full_key", "object_type", "To append")))
