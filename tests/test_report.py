"""From a sweep to the page: on one small sweep of Table 5 and Figure 1, made by make."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import chromium
import numpy as np
import pytest
from conftest import TINY, read

from mvm.paper import read as paper
from mvm.report.archive import opened
from mvm.report.records import merged, read_entries
from mvm.report.series import gather
from mvm.report.tables import fill

ROOT = Path(__file__).parents[1]
ATTACKS = "[none,noise,fgsm,attnet,attnet_best,fgsm_box,pgd]"  # of Table 5
ESCAPE = [{"type": kind, "value": "\ue00c"} for kind in ("keyDown", "keyUp")]
SMALL = [o for o in TINY if not o.startswith(("profile=", "data=mnist5k", "attacks="))]
BUDGETS = [o for o in SMALL if o.startswith("budgets")]


def make(target, outputs, *more, eta="0.3"):
    """make <target>, in the environment that the tests run in."""
    arguments = [f"ARGS={' '.join([*SMALL, *more])} outputs={outputs}", "PROFILE=smoke", "DATA=mnist5k", f"ETA={eta}"]
    command = ["make", "--old-file=.venv/ready", f"RUN={sys.executable} -m", target, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    for target in ("table5", "figure1", "figure4"):
        made = make(target, folder)
        assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def report(outputs):
    return outputs / "paper/smoke"


def test_again_does_nothing(outputs):
    runs = {file: file.stat().st_mtime_ns for part in ("runs", "exhibits") for file in (outputs / part).rglob("*")}
    report = {file: file.read_bytes() for file in (outputs / "paper/smoke").iterdir()}
    again = make("table5", outputs)
    assert again.returncode == 0 and again.stdout.count("nothing to do") == 3
    assert {file: file.stat().st_mtime_ns for file in runs} == runs
    assert {file: file.read_bytes() for file in report} == report


def test_every_cell_beside_the_papers(outputs, report):
    lines = read(report / "cells.csv")
    for table in paper("tables"):
        numbers = [line for line in lines if line["table"] == table and line["paper"]]
        assert len(numbers) == sum(cell["error"] is not None for cell in paper("tables")[table]["cells"])
    for game, paper_error in {"minimax": 0.020, "alt": 0.104, "sens_fgsm": 0.965}.items():
        (run,) = outputs.glob(f"runs/mnist5k-{game}-eta0.3-*")
        errors = json.loads((run / "metrics.json").read_text())["errors"]
        cell = ("table5", game, "attnet_curr", "0.3")
        (line,) = [x for x in lines if (x["table"], x["defense"], x["attack"], x["eta"]) == cell]
        ours, struck = float(line["ours"].removeprefix(">=")), line["ours"].startswith(">=")
        assert ours == pytest.approx(errors["attnet"], abs=1e-4) and float(line["paper"]) == paper_error
        assert line["difference"] == "" if struck else abs(float(line["difference"]) - ours + paper_error) < 2e-4
        assert float(line["low"]) <= ours <= float(line["high"]) and line["n"] == "1000"
        assert (line["seeds"], line["profile"], line["data"], line["runs"]) == ("0", "smoke", "mnist5k", run.name)
        assert "seed=0 table=table5" in line["command"] and "E30: fewer than 3 seeds" in line["checks"]
        assert "outputs=" not in line["command"]
        text = (report / "table5.md").read_text()
        assert f"{errors['attnet']:.3f}" in text and f"paper {paper_error:.3f}" in text
    assert all(not line["ours"] for line in lines if line["table"] == "table9")
    plus = {line["attack"] for line in lines if line["table"] == "table5" and line["ours"] and not line["paper"]}
    assert plus >= {"clean", "fgsm_box", "pgd"}


def test_the_page_is_written_without_torch(outputs, tmp_path):
    code = (
        "import runpy, sys; runpy.run_module('mvm.report', run_name='__main__'); print('torch' in sys.modules)"
        f" # {outputs}"
    )
    command = [sys.executable, "-c", code, "profile=smoke", f"outputs={outputs}", f"to={tmp_path}/out"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{tmp_path}/out/index.html", "False"]
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names >= {f"table{i}.md" for i in range(1, 11)} | {"cells.csv", "claims.md", "index.html"}
    assert names >= {f"figure{i}.{kind}" for i in (1, 4) for kind in ("png", "svg")}


def test_a_report_goes_on_from_its_records(outputs, report, tmp_path):
    elsewhere = shutil.copytree(report, tmp_path / "paper")
    assert main_report(f"outputs={tmp_path / 'none'}", f"to={elsewhere}").returncode == 0
    assert {f.name: f.read_bytes() for f in elsewhere.iterdir()} == {f.name: f.read_bytes() for f in report.iterdir()}
    ours, kept = read_entries(outputs, "smoke"), read_entries(opened(report), "smoke")
    both = merged({"table5": ours["table5"][:1]}, {"table5": kept["table5"][1:]} | {"figure1": kept["figure1"]})
    assert [entry.game for entry in both["table5"]] == [entry.game for entry in ours["table5"]] and both["figure1"]
    assert merged(ours, kept)["table5"][0].folder == ours["table5"][0].folder
    (elsewhere / "records.zip").write_bytes((report / "records.zip").read_bytes()[:1000])
    failed = main_report(f"outputs={tmp_path / 'none'}", f"to={elsewhere}")
    assert failed.returncode == 1 and "records.zip is damaged" in failed.stderr and "Traceback" not in failed.stderr


def test_cells_are_struck_as_the_grid_strikes_them(outputs, tmp_path):
    """One set of checks: of the sweep's runs scored again by mvm.evaluate, and in the report on them."""
    for part in ("runs", "exhibits"):
        shutil.copytree(outputs / part, tmp_path / part)
    runs = f"{tmp_path}/runs/mnist5k-[mas]*-eta0.3-*"  # minimax, alt, sens_fgsm
    mine = ("profile=smoke", *BUDGETS, f"runs='{runs}'", f"outputs={tmp_path}", "attacks=" + ATTACKS)
    done = subprocess.run([sys.executable, "-m", "mvm.evaluate", *mine], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    grid = {(row["run"], row["attack"]): row for row in read(tmp_path / "grid.csv")}
    assert main_report(f"outputs={tmp_path}", f"to={tmp_path}/to").returncode == 0
    lines = [line for line in read(tmp_path / "to/cells.csv") if line["table"] == "table5" and line["ours"]]
    names = paper("names")["attacks"] | paper("names")["plus"]
    assert len(lines) == 21  # three games, seven attacks
    for line in lines:
        row = grid[line["runs"], names[line["attack"]]["attack"]]
        assert {check.split(":")[0] for check in line["checks"].split("; ")} == set(row["checks"].split())
        assert line["ours"].startswith(">=") == row["error"].startswith(">=")
    assert "judged by their records alone" not in (tmp_path / "to/table5.md").read_text()


def main_report(*settings):
    command = [sys.executable, "-m", "mvm.report", "profile=smoke", *settings]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_page_needs_no_network(report):
    text = (report / "index.html").read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", text) and "@import" not in text
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)
    assert len(json.loads(data[1])["tables"]) == 10


def test_figure_1_has_the_rounds(outputs):
    figure = gather("figure1", read_entries(outputs, "smoke")["figure1"])
    (run,) = {entry.folder for entry in figure.entries}
    rows = read(run / "rounds.csv")
    attacked, trained = figure.series
    assert attacked.points == [(float(row["round"]), float(row["attacked"])) for row in rows]
    assert trained.points == [(float(row["round"]), float(row["trained"])) for row in rows]


def test_a_run_that_is_gone_is_not_run(outputs, tmp_path):
    for part in ("runs", "exhibits"):
        shutil.copytree(outputs / part, tmp_path / part)
    (gone,) = tmp_path.glob("runs/mnist5k-alt-eta0.3-*")
    shutil.rmtree(gone)
    table = fill("table5", read_entries(tmp_path, "smoke")["table5"])
    assert table.cells["alt", 0.3, "fgsm_curr"].ours is None and table.cells["alt", 0.3, "fgsm_curr"].paper == 0.244
    assert table.cells["minimax", 0.3, "fgsm_curr"].ours is not None


def test_a_failing_job_is_named_at_the_end_and_the_others_finish(outputs, tmp_path):
    failed = make("table1", tmp_path, eta="0.3,-1,0.4")
    assert failed.returncode != 0
    ours = [line for line in failed.stderr.splitlines() if line.startswith("mvm: ")]
    assert "eta=-1" in ours[-2] and "must be a number in [0, 2]" in ours[-2] and "1 of the jobs failed" in ours[-1]
    lines = read(tmp_path / "paper/smoke/cells.csv")
    assert {line["eta"] for line in lines if line["table"] == "table1" and line["ours"]} >= {"0.3", "0.4"}


def test_nothing_was_run(mvm, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mvm.report", f"outputs={tmp_path}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "no table or figure was run there" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(bool(chromium.missing), reason=f"not installed: {', '.join(chromium.missing)}")
def test_in_a_browser(report):
    with chromium.browser() as page:
        page.open(f"file://{report}/index.html")
        assert page.js("return document.querySelectorAll('section').length") == 18  # 10 tables, 7 figures, the claims
        page.click("#table5 td button")
        told = page.js("return document.getElementById('detail').innerText")
        assert "Minimax against FGSM-curr, η = 0.3" in told and "0.218" in told and "mnist5k-minimax-eta0.3" in told
        assert "python -m mvm.train" in told and "95 % interval" in told
        page.click("#detail .close")
        assert page.js("return document.getElementById('detail').hidden") is True
        page.click("#claims .chip.not-run")
        told = page.js("return document.getElementById('detail').innerText")
        assert "fool an undefended MNIST classifier" in told and "not run" in told
        page.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": ESCAPE}]})
        assert page.js("return document.getElementById('detail').hidden") is True
        page.click("#figure1 .legend button")
        assert page.js("return document.querySelector('#figure1 figure > svg g').style.display") == "none"
        page.hover("#figure1 figure > svg")
        tip = page.js("return document.querySelector('#figure1 .tip').innerText")
        assert tip.startswith("round ") and "after adversarial training" in tip
        assert "after the attack" not in tip  # switched off
        assert page.js("return document.querySelector('#figure4 img').naturalWidth") > 500
        before = page.js("return getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        assert page.js("return getComputedStyle(document.body).backgroundColor") != before
        wide = page.js("return document.querySelector('#figure1 figure > svg').viewBox.baseVal.width")
        page.resize(400, 900)
        width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.js(width) <= 0  # long tables scroll in their own frame
        narrow = "return document.querySelector('#figure1 figure > svg').viewBox.baseVal.width"
        assert page.js(narrow) < 400 < wide  # drawn anew, so that its text keeps its size
        assert page.errors() == []


def test_the_pictures_are_of_the_attack(outputs):
    (run,) = outputs.glob("runs/mnist5k-undefended-eta0.3-*")  # Figure 4's own eta is 0.2; make was given 0.3
    (kept,) = run.glob("cells/fgsm-*.npz")
    with np.load(kept) as pictures:
        moved = np.abs(pictures["z"].astype(float) - pictures["x"].astype(float))
        assert pictures["z"].shape == (10, 1, 28, 28) and pictures["y"].tolist() == list(range(10))
        assert moved.max() == pytest.approx(0.3, abs=2e-3)


def test_joblib_makes_the_same_scores(outputs, tmp_path):
    """Several processes, which need the same undefended classifier at once."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    for folder, more in ((tmp_path / "two", launcher), (tmp_path / "one", ())):
        made = make("table2", folder, *more)
        assert made.returncode == 0, made.stderr
    folders = tmp_path / "one", tmp_path / "two"
    one, two = ({cell.relative_to(n): cell for cell in n.glob("runs/*/cells/*.json")} for n in folders)
    assert one.keys() == two.keys() and len(one) == 12
    for name in one:
        a, b = (json.loads(cells[name].read_text()) for cells in (one, two))
        assert (a["error"], a["wrong"]) == (b["error"], b["wrong"])
    failed = make("table1", tmp_path / "two", *launcher, eta="0.3,-1")
    assert failed.returncode != 0 and "1 of the jobs failed" in failed.stderr
