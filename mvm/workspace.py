"""Lay out the W&B dashboard of a project: a view with panels for all that a run logs.

python -m mvm.workspace project=mvm 'group=table5 short'
"""

from typing import Any

from omegaconf import DictConfig

from mvm.cli import entry
from mvm.errors import UserError
from mvm.paper import read
from mvm.schema import CONF

X = "iteration"  # the game's own count, against which `mvm.board` logs everything
CURVES = {
    "Validation": {
        "error under the game's own attack": "val/error",
        "error on clean images": "val/clean_error",
        "error under PGD": "val/pgd_error",
        "sensitivity ||df/dv||²": "val/sensitivity",
    },
    "Training": {"risk": "train/risk", "error": "train/error", "sensitivity": "train/sensitivity"},
    "Speed": {"seconds per 1,000 iterations": "speed/seconds_per_1000_iterations", "seconds": "speed/seconds"},
}
# Regular expressions: the members have names of their own.
MEMBERS = {"mean risk of each member": "train/risk_.*", "weight of each member": "train/weight_.*"}


def main(cfg: DictConfig, overrides: list[str]) -> None:
    """Save the view and print its address. Raises `UserError` without the package or a login, or if W&B refuses."""
    try:
        import wandb
        import wandb_workspaces.workspaces  # noqa: F401
    except ImportError as why:
        raise UserError(f"no package {why.name}: pip install -e '.[workspace]' brings it") from why
    if not wandb.login(prompt=False, verify=False):
        raise UserError("there is no W&B login: `wandb login`, or WANDB_API_KEY=..., and then this again")
    try:
        view = workspace(cfg.entity or wandb.Api().default_entity or "", cfg.project, cfg.group)
        view.save()
    except Exception as why:  # whatever a service or its library may raise
        line = " ".join(str(why).split())[:300]
        raise UserError(f"W&B did not take the view for project={cfg.project}: {type(why).__name__}: {line}") from why
    print(view.url)


def workspace(entity: str, project: str, group: str | None) -> Any:
    """The view, not yet saved: curves against the game's iteration, test errors as bars, images and scores.

    Runs are grouped by game and η, so that a line is the mean of its seeds; group: only the runs of that W&B group.
    """
    from wandb_workspaces import workspaces as ws
    from wandb_workspaces.reports import v2

    attacks = _attacks()
    panels = {
        name: [v2.LinePlot(title=title, x=X, y=[key], title_x="game iteration") for title, key in curves.items()]
        for name, curves in CURVES.items()
    }
    panels["Members of a mixture"] = [
        v2.LinePlot(title=title, x=X, metric_regex=names, title_x="game iteration") for title, names in MEMBERS.items()
    ]
    panels["Test errors"] = [
        v2.BarPlot(title=f"test error, {label}", metrics=[f"test/{attack}"], range_x=(0, 1), max_bars_to_show=30)
        for attack, label in attacks.items()
    ]
    panels["Bounds: scores that a check struck"] = [
        v2.BarPlot(title="no error rates", metrics=[f"bound/{attack}" for attack in attacks], range_x=(0, 1))
    ]
    panels["Images"] = [
        v2.MediaBrowser(title=label, media_keys=[f"images/{attack}"])
        for attack, label in attacks.items()
        if attack != "none"
    ]
    panels["Scores"] = [v2.WeavePanelSummaryTable(table_name="scores")]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=group or project,
        sections=[ws.Section(name=name, panels=own, is_open=True) for name, own in panels.items()],
        settings=ws.WorkspaceSettings(x_axis=X, max_runs=40),
        runset_settings=ws.RunsetSettings(
            filters=[ws.Metric("Group") == group] if group else [],
            groupby=[ws.Config("game"), ws.Config("eta")],
        ),
    )


def _attacks() -> dict[str, str]:
    """{attack as it is logged: what it is called in print}; those that the paper's tables do not have by their name."""
    names = read("names")
    printed = {value["attack"]: value["label"] for value in (names["attacks"] | names["plus"]).values()}
    others = ["own", *sorted(file.stem for file in CONF.glob("attack/*.yaml"))]
    return printed | {name: name for name in others if name not in printed}


if __name__ == "__main__":
    entry("workspace", main)
