"""Write the tables, figures, claims and the page of a profile, from the records alone.

python -m mvm.report profile=short
"""

from pathlib import Path

from omegaconf import DictConfig

from mvm.cli import entry
from mvm.errors import UserError
from mvm.lock import alone
from mvm.report import archive
from mvm.report.write import write_report


def main(cfg: DictConfig, overrides: list[str]) -> None:
    """The report of outputs/exhibits/<profile> and of what an earlier one keeps; raises `UserError` without either."""
    outputs = Path(cfg.outputs)
    if not (outputs / "exhibits" / cfg.profile).is_dir() and not (Path(cfg.to) / archive.NAME).exists():
        raise UserError(
            f"outputs={cfg.outputs} profile={cfg.profile}: no table or figure was run there; "
            f"for example: python -m mvm.train table=table5 profile={cfg.profile}"
        )
    with alone(outputs / "locks" / f"report-{cfg.profile}"):  # two tables may be done at once
        print(write_report(outputs, cfg.profile, Path(cfg.to)))


if __name__ == "__main__":
    entry("report", main)
