"""The W&B dashboard: its panels show what runs log, and a server is sent it. No real W&B server takes part."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import TINY
from wandb_file import read_run

from mvm.workspace import workspace

ROOT = Path(__file__).parents[1]
GROUP = "table5 short"


def program(home, *settings, before="", **environment):
    """python -m mvm.workspace in a home without a login."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    code = f"import runpy, sys; {before}runpy.run_module('mvm.workspace', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, f"outputs={home}/outputs", *settings],
        cwd=ROOT,
        env=clean | {"HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def the_line(done):
    """The one line of ours, of a program that failed without a traceback."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("mvm: ")]
    assert done.returncode == 1 and "Traceback" not in done.stderr and not done.stdout
    return line


def test_without_the_package(tmp_path):
    line = the_line(program(tmp_path, before="sys.modules['wandb_workspaces'] = None; "))
    assert "no package wandb_workspaces" in line and "pip install -e '.[workspace]'" in line


def test_without_a_login(tmp_path):
    pytest.importorskip("wandb_workspaces")
    assert "there is no W&B login: `wandb login`" in the_line(program(tmp_path))


def test_a_server_that_does_not_answer(tmp_path):
    pytest.importorskip("wandb_workspaces")
    away = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "a" * 40}
    assert "W&B did not take the view for project=mvm" in the_line(program(tmp_path, **away))


def panels(spec, kind):
    """{section: configs of its panels of that kind}"""
    sections = spec["section"]["panelBankConfig"]["sections"]
    return {s["name"]: [p["config"] for p in s["panels"] if p["viewType"] == kind] for s in sections}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydantic, in W&B's package
def test_the_panels_show_what_a_run_logs(mvm, monkeypatch, tmp_path):
    pytest.importorskip("wandb_workspaces")
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    attacks = ("none", "fgsm", "pgd")
    for game in ("minimax", "mixture"):
        done = mvm("train", *TINY, f"game={game}", f"attacks=[{','.join(attacks)}]", "logger=wandb")
        assert done.status == 0, done.err
    kept = [read_run(folder) for folder in (tmp_path / "wandb").glob("offline-run-*")]
    logged, mixed = (
        {name.removesuffix("/filenames").removesuffix("/path") for row in run.rows for name in row}
        for game in ("minimax", "mixture")
        for run in kept
        if run.config["game"] == game
    )

    spec = json.loads(workspace("me", "mvm", GROUP)._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
    lines = panels(spec, "Run History Line Plot")
    members = [panel["metricRegex"] for panel in lines.pop("Members of a mixture")]
    of_members = [{name for name in mixed if re.fullmatch(names, name)} for names in members]
    assert of_members == [{f"train/{of}_{name}" for name in ("pgd3", "attnet_folded")} for of in ("risk", "weight")]
    curves = [panel for own in lines.values() for panel in own]
    shown = {name for panel in curves for name in panel["metrics"]}
    assert len(curves) == 9 and shown <= logged and {panel["xAxis"] for panel in curves} == {"iteration"}
    curve_like = {name for name in logged if name.startswith(("train/", "val/", "speed/"))}
    assert curve_like == shown  # each has a panel
    bars = {name for panel in panels(spec, "Bar Chart")["Test errors"] for name in panel["metrics"]}
    images = {name for panel in panels(spec, "Media Browser")["Images"] for name in panel["mediaKeys"]}
    assert {f"test/{name}" for name in (*attacks, "own")} <= bars
    bounds = {
        name for panel in panels(spec, "Bar Chart")["Bounds: scores that a check struck"] for name in panel["metrics"]
    }
    assert {name for name in logged if name.startswith(("test/", "bound/"))} <= bars | bounds
    assert {f"images/{name}" for name in attacks[1:]} <= images & logged
    assert "scores" in logged and '"val":"scores"' in json.dumps(spec, separators=(",", ":"))
    (runs,) = spec["section"]["runSets"]
    assert [key["name"] for key in runs["grouping"]] == ["game.value", "eta.value"]


class Server(BaseHTTPRequestHandler):
    """As much of W&B's GraphQL as saving a view takes; keeps what it was asked."""

    asked: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = {}
        if self.path == "/graphql":
            self.asked.append(json.loads(body))
            answer = {"viewer": {"id": "1", "entity": "someone", "username": "someone", "teams": {"edges": []}}}
            if "upsertView" in self.asked[-1]["query"]:
                answer = {"upsertView": {"view": {"id": "1", "name": "nw-1-v"}, "inserted": True}}
        text = json.dumps({"data": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def test_a_server_is_sent_the_view(tmp_path):
    pytest.importorskip("wandb_workspaces")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = {"WANDB_BASE_URL": f"http://127.0.0.1:{server.server_port}", "WANDB_API_KEY": "a" * 40}
    try:
        done = program(tmp_path, f"group={GROUP}", "project=games", **there)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{there['WANDB_BASE_URL']}/someone/games?nw=1"
    (sent,) = (asked["variables"] for asked in Server.asked if "upsertView" in asked["query"])
    assert (sent["entityName"], sent["projectName"], sent["displayName"]) == ("someone", "games", GROUP)
    spec = json.loads(sent["spec"])
    (only,) = spec["section"]["runSets"][0]["filters"]["filters"]
    assert only["key"] == {"section": "run", "name": "group"} and only["value"] == GROUP
    assert len(panels(spec, "Run History Line Plot")["Validation"]) == 4
