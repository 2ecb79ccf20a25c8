"""The paper's numbers as data, and the presets that are to fill its tables."""

import itertools

import pytest
from conftest import compose, options
from omegaconf import OmegaConf

from mvm.paper import read
from mvm.schema import CONF

NAMES = read("names")


def printed(table):
    return {(c["defense"], c["attack"], c["eta"]): c["error"] for c in read("tables")[table]["cells"]}


@pytest.mark.parametrize("table", read("tables"))
def test_a_number_is_a_rate_or_says_why_it_is_missing(table):
    for cell in read("tables")[table]["cells"]:
        if cell["error"] is None:
            assert cell["note"].startswith(("illegible:", "not applicable:"))
        else:
            assert 0 <= cell["error"] <= 1
    assert table in read("contradictions")


@pytest.mark.parametrize(("one", "other"), [("table5", "table4"), ("table10", "table9"), ("table9", "table8")])
def test_pairs_that_the_paper_prints_twice(one, other):
    a, b = printed(one), printed(other)
    shared = a.keys() & b.keys()
    assert len(shared) >= 8 and all(a[key] == b[key] for key in shared)


def test_a_known_contradiction_is_kept_as_printed():
    pair = ("adv_fgsm80", "fgsm_curr", 0.3)
    assert (printed("table3")[pair], printed("table4")[pair]) == (0.442, 0.473)


@pytest.mark.parametrize("table", read("tables"))
def test_the_preset_runs_every_printed_cell(table):
    preset = OmegaConf.load(CONF / "table" / f"{table}.yaml")
    sweep = preset.hydra.sweeper.params
    games, etas = sweep.game.split(","), [float(eta) for eta in sweep.eta.split(",")]
    attacks = compose(f"table={table}")["attacks"].keys()
    assert preset.exhibit == table and sweep.data == read("tables")[table]["data"]
    for defense, attack, eta in printed(table):
        if defense in NAMES["defenses"]:  # not the rows that are printed n/a
            assert NAMES["defenses"][defense]["game"] in games
            assert NAMES["attacks"][attack]["attack"] in attacks
            assert eta is None or eta in etas


@pytest.mark.parametrize("figure", read("figures"))
def test_the_preset_runs_every_game_of_a_figure(figure):
    preset = OmegaConf.load(CONF / "figure" / f"{figure}.yaml")
    sweep = preset.hydra.sweeper.params
    assert preset.exhibit == figure and sweep.data == read("figures")[figure]["data"]
    assert set(read("figures")[figure]["games"]) == set(sweep.game.split(","))


def test_every_table_and_figure_has_a_preset():
    assert set(options("table")) == set(read("tables")) == {f"table{i}" for i in range(1, 11)}
    assert set(options("figure")) == set(read("figures")) == {f"figure{i}" for i in range(1, 8)}


def test_every_name_is_of_a_game_and_an_attack():
    assert {d["game"] for d in NAMES["defenses"].values()} <= set(options("game"))
    assert {a["attack"] for a in NAMES["attacks"].values()} <= set(options("attack"))


def test_a_claim_compares_cells_that_the_paper_prints():
    ids = [claim["id"] for claim in read("claims")]
    assert len(ids) == len(set(ids)) >= 12
    for claim in read("claims"):
        tables = [t for t in read("tables") if read("tables")[t]["data"] == claim["data"]]
        for pair, side in itertools.product(claim["pairs"], ("left", "right")):
            for eta in claim["etas"] if isinstance(pair[side], list) else []:
                assert any((*pair[side], eta) in printed(table) for table in tables), claim["id"]
            assert pair["than"] in ("above", "below") and pair.keys() <= {"left", "than", "by", "right"}
