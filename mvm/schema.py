"""Names and types of the top-level settings, for Hydra to check a command line against."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

_HERE = Path(__file__).parent
CONF = _HERE / "conf" if (_HERE / "conf").is_dir() else _HERE.parent / "conf"  # of an installed wheel, of a checkout


@dataclass
class Train:
    eta: float = 0.3  # l_inf radius on images in [-1, 1]
    seed: int = 0
    force: bool = False  # train again what is there already
    outputs: str = "outputs"
    exhibit: str | None = None  # the table or figure that this run belongs to
    profile: str = MISSING
    budget: Any = MISSING
    budgets: Any = MISSING
    images: Any = MISSING
    data: Any = MISSING
    classifier: Any = MISSING
    attack: Any = MISSING
    members: dict[str, Any] = field(default_factory=dict)
    game: Any = MISSING
    attacks: dict[str, Any] = field(default_factory=dict)
    test_images: int | None = None  # so many of the test set, at equal distances; None: all
    trainer: Any = MISSING
    logger: Any = None


@dataclass
class Evaluate:
    runs: Any = "outputs/runs/*"  # a glob of run folders, or a list of them
    eta: float | None = None  # None: the eta of each run
    seed: int | None = None  # of the attacks; None: each run's own
    test_images: int | None = None  # so many of the test set, at equal distances; None: all
    outputs: str = "outputs"
    profile: str = MISSING
    budget: Any = MISSING
    budgets: Any = MISSING
    images: Any = None
    attacks: dict[str, Any] = field(default_factory=dict)
    audit: Any = None  # conf/audit
    trainer: Any = MISSING


@dataclass
class Report:
    outputs: str = "outputs"  # where the records are
    to: str = "${outputs}/paper/${profile}"  # where the report goes
    profile: str = MISSING
    budget: Any = MISSING
    budgets: Any = MISSING


@dataclass
class Workspace:
    project: str = "mvm"  # of W&B, as logger.project
    entity: str | None = None  # None: that of the login
    group: str | None = None  # None: all runs of the project; "table5 short": those of a table
    outputs: str = "outputs"


@dataclass
class Means:
    grids: Any = "outputs/grid.csv"  # a glob of such files, or a list of them
    outputs: str = "outputs"  # conf/hydra.yaml asks for one


def register() -> None:
    """Tell Hydra the schemas, and the groups `attacks` and `members`: lists of conf/attack's options.

    A file of that name in conf/attacks says what differs where the attack scores.
    """
    store = ConfigStore.instance()
    store.store(name="train_schema", node=Train)
    store.store(name="evaluate_schema", node=Evaluate)
    store.store(name="report_schema", node=Report)
    store.store(name="workspace_schema", node=Workspace)
    store.store(name="means_schema", node=Means)
    for file in CONF.glob("attack/*.yaml"):
        node = {"defaults": [{f"/attack@{file.stem}": file.stem}]}
        if not (CONF / "attacks" / file.name).exists():
            store.store(group="attacks", name=file.stem, node=node)
        store.store(group="members", name=file.stem, node=node)
