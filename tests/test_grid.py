"""What is said under a grid: findings, rules that were not tried, and how many there were of each."""

import pytest
from conftest import compose

from mvm.audit.checks.verdict import FAIL, NOT_TRIED, PASS, WARN, Check, badges, not_passed, of_cell, struck
from mvm.grid import Line, add_grid_checks, findings, more_apart, silences, tally, tell_apart
from mvm.record import but_for_seed, fingerprint_of
from mvm.untried import lacking, untried


def line(seed=0, *checks, data="mnist", game="minimax", attacks=("none", "pgd")):
    config = {"data": {"_target_": f"mvm.data.{data}.Any"}, "game": {"_target_": f"mvm.games.{game}.Any"}}
    config |= {"classifier": {}, "seed": seed, "eta": 0.3}
    return Line(f"run{seed}", config, 0.3, {name: {"error": 0.5} for name in attacks}, list(checks))


def test_a_rule_that_was_not_tried_counts_as_nothing():
    check = untried("E31", "outputs/*")
    assert check.verdict == NOT_TRIED and check.text.endswith("among runs=outputs/*")
    assert not_passed([check]) == of_cell([check], "pgd") == [] and struck([check]) == ""
    assert badges(of_cell([check, Check("E30", WARN, "")], "pgd")) == "E30"
    assert line(0, check).marked()["pgd"]["struck"] == ""
    assert list(findings([line(0, check)])) == []


def test_a_line_for_all_runs_that_miss_something():
    lines = [line(0, untried("E31", "r")), line(1), line(2, untried("E31", "r"), untried("E07", "r"))]
    said = list(silences(lines))
    assert [text.split(":")[1] for text in said] == [" E07 on 1 of 3 runs", " E31 on 2 of 3 runs"]
    assert "of the same settings with another seed" in said[1]
    assert tally(c for one in lines for c in one.checks) == "0 failed, 0 warned, 0 passed, 3 not tried"


def test_an_undefended_run_is_missed_by_its_own_data_set_only():
    lines = [line(0), line(1, Check("E25", PASS, ""), data="cifar10", game="undefended"), line(2, data="cifar10")]
    add_grid_checks(lines, "r")
    assert [[c.verdict for c in one.checks if c.id == "E25"] for one in lines] == [[NOT_TRIED], [PASS], []]


def test_images_that_move_tell_runs_apart_and_those_that_do_not_leave_the_name_as_it_was():
    older, still, moving = line(0), line(0), line(0)
    still.config["data"] |= {"shift": 0, "flip": False}
    moving.config["data"] |= {"shift": 1, "flip": False}
    tell_apart([older, still, moving])
    assert [one.more for one in (older, still, moving)] == [" shift=0", " shift=0", " shift=1"]
    assert older.kind == still.kind != moving.kind
    names = [fingerprint_of(one.config) for one in (older, still, moving)]
    assert names[0] == names[1] != names[2]


def test_settings_within_a_game_and_of_its_net_tell_runs_apart():
    kinds = [("fgsm", 1, 1), ("pgd", 3, 1), ("pgd", 7, 1), ("pgd", 7, 2)]
    runs = [line(0) for _ in kinds]
    for one, (kind, steps, width) in zip(runs, kinds, strict=True):
        one.config["game"] |= {"against": {"_target_": f"mvm.attacks.{kind}.Any", "steps": steps}}
        one.config["classifier"] = {"_target_": "mvm.classifiers.any.Net", "width": width}
    tell_apart(runs)
    assert len({one.title for one in runs}) == 4
    assert runs[2].more == " against=pgd against.steps=7 classifier.width=1"  # no more than it takes
    assert not list(more_apart(runs))
    for one, rounds, width in zip(runs, (1, 2, 3, 4), (1, 1, 1, 2), strict=True):
        one.config["game"] |= {"rounds": rounds, "round_iterations": rounds}
        one.config["classifier"]["width"], one.more = width, ""
    tell_apart(runs)
    assert runs[1].more == " rounds=2 round_iterations=2"
    assert list(more_apart(runs)) == [
        "mnist minimax: these runs differ in against, against.steps, classifier.width, too"
    ]
    assert list(more_apart([*runs, line(1)])) == list(more_apart(runs))  # one more, that needs no telling apart


def test_what_a_title_cannot_hold_does_no_harm():
    runs = [line(0), line(0)]
    for one, optimizer in zip(runs, ("Adam", "SGD"), strict=True):
        one.config["game"] |= {"round_iterations": {1: 8, 3: 2}}
        one.config["game"] |= {"u_optimizer": {"_target_": f"torch.optim.{optimizer}"}}
    tell_apart(runs)
    assert [one.more for one in runs] == [" u_optimizer=Adam", " u_optimizer=SGD"]
    alone = [line(0)]
    tell_apart(alone)
    assert alone[0].more == ""


def test_findings_are_told_once():
    weak = [Check("E34", WARN, "weak", attack="pgd"), Check("E05", FAIL, "masked")]
    lines = [line(0, *weak), line(1, weak[0])]
    assert list(findings(lines)) == [
        "fail E05: masked (mnist minimax eta0.3 seed0)",
        "warn E34: weak (all 2 runs / pgd)",
    ]
    assert list(findings(lines, (FAIL,))) == ["fail E05: masked (mnist minimax eta0.3 seed0)"]
    assert list(findings(lines[1:])) == ["warn E34: weak (mnist minimax eta0.3 seed1 / pgd)"]
    assert not list(findings([line(0, Check("E20", FAIL, "", attack="worst"))]))  # there is no such cell


def network(kind, report=None, iterations=100):
    settings = {"_target_": f"mvm.attacks.{kind}", "iterations": iterations}
    return {"settings": settings, **({"report": report} if report else {})}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"attnet": network("attnet.AttNetAttack")}, ["attnet"]),
        ({"attnet_risk": network("attnet_best.AttNetBest", {"members": []})}, ["attnet_risk"]),
        ({"attnet_best": network("attnet_best.AttNetBest", {"members": [], "doubled": {}})}, []),
        ({"attnet": network("attnet.AttNetAttack", iterations=1)}, []),  # there is no half of it
        (
            {"pgd_attnet": {"settings": {"_target_": "mvm.attacks.pgd.PGD", "steps": 9, "start": {"box": True}}}},
            2 * ["pgd_attnet"],
        ),
        ({"own": network("attnet.AttNetAttack"), "pgd": {"settings": {"_target_": "mvm.attacks.pgd.PGD"}}}, []),
    ],
)
def test_cells_lacking_are_named(cells, found):
    checks = list(lacking(cells, {"_target_": "mvm.games.undefended.Undefended"}, []))
    assert [(c.id, c.verdict, c.attack) for c in checks] == [
        (id, NOT_TRIED, name) for id, name in zip(("E11", "E14"), found, strict=False)
    ]


@pytest.mark.parametrize(
    ("game", "played"), [("minimax", "attack"), ("adv_train", "against"), ("mixture", "members"), ("mine", "against")]
)
def test_curves_lacking_are_named(game, played):
    settings, row = {"_target_": f"mvm.games.{game}.Any", played: {}}, {"iteration": 10, "val_error": 0.5}
    assert [c.id for c in lacking({}, settings, [row])] == ["E16"]
    assert not list(lacking({}, settings, [row | {"val_pgd_error": 0.5}]))


@pytest.mark.parametrize(("game", "played"), [("undefended", {}), ("attnet", {"attack": {}}), ("mine", {})])
def test_games_whose_defender_faces_no_attack_have_no_such_curve(game, played):
    assert not list(lacking({}, {"_target_": f"mvm.games.{game}.Any", **played}, [{"val_error": 0.5}]))


@pytest.mark.parametrize("game", ["minimax", "mixture"])
def test_what_no_game_reads_makes_no_other_kind_of_run(game):
    """The iterations of a network are `fit`'s, and the seed is what a kind has several of."""

    def kind(*settings):
        return but_for_seed(compose(f"game={game}", "eta=0.3", "profile=short", *settings))

    assert kind() == kind("budgets.mnist.attack_iterations=7", "seed=3")
    assert kind() != kind("game.ascent_steps=7")


def test_a_run_that_is_scored_at_another_eta_says_at_which_it_was_trained():
    used, unused = line(0), line(0, game="undefended")
    used.config["game"] |= {"attack": {"_target_": "mvm.attacks.attnet.Any", "eta": 0.3}}
    for one in (used, unused):
        assert one.title == f"mnist {one.config['game']['_target_'].split('.')[2]} eta0.3 seed0"
        one.eta = 0.6
    assert used.title == "mnist minimax trained_at_eta=0.3 eta0.6 seed0"
    assert unused.title == "mnist undefended eta0.6 seed0"
