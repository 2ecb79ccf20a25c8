"""Every option of every group composes, and builds what it names."""

import pytest
import torch
from conftest import compose, options

from mvm.attacks.attack import Attack
from mvm.build import build, check_targets, device
from mvm.data.images import Images
from mvm.errors import UserError
from mvm.games.game import Game
from mvm.play import build_game
from mvm.schema import Evaluate, Train


class Source:
    """Stands for the run that a game starts from: only its weights are asked for."""

    def __init__(self, config, folder):
        from mvm.weights import save_weights

        self.defender = folder / "defender.safetensors"
        save_weights(build(config["classifier"]), self.defender)


@pytest.mark.parametrize("data", options("data"))
@pytest.mark.parametrize("game", options("game"))
def test_every_game_on_every_data_set(game, data, tmp_path):
    config = compose(f"game={game}", f"data={data}", "profile=smoke", "eta=0.2")
    source = Source(config, tmp_path) if "source" in config["game"] else None
    made = build_game(config, source)
    assert isinstance(made, Game) and made.iterations > 0 and made.iteration == 0
    logits = made.defender(torch.zeros(2, *config["images"]["shape"]))
    assert logits.shape == (2, 10)
    x, y = torch.zeros(2, *config["images"]["shape"]), torch.tensor([1, 2])
    assert made.perturb(x, y).shape == x.shape
    assert made.trained[-1:] and all(hasattr(made, player) for player in made.trained)


@pytest.mark.parametrize("data", options("data"))
@pytest.mark.parametrize("recipe", options("recipe"))
def test_every_recipe_on_every_data_set(recipe, data):
    made = build_game(compose(f"recipe={recipe}", f"data={data}", "profile=smoke", "eta=0.2"), None)
    assert type(made).__name__ == "Minimax" and made.schedule["ascent_steps"] > 1


def test_minimax_is_as_printed_and_its_best_recipe_is_what_the_docs_say():
    def schedule(*settings):
        game = build_game(compose("game=minimax", "data=mnist5k", "profile=smoke", *settings), None)
        of_alg1 = [game.schedule[key] for key in ("gamma", "order", "ascent_steps")]
        return *of_alg1, game.ascend_on, game.lambda_schedule, game.warm_up

    assert schedule() == (1, "simultaneous", 1, "same", "constant", 0)
    assert schedule("recipe=best") == (0, "follower_first", 3, "other", "cycle", 0.1)


@pytest.mark.parametrize("data", options("data"))
@pytest.mark.parametrize("attack", options("attack"))
def test_every_attack_on_every_data_set(attack, data):
    if attack == "autoattack":
        pytest.importorskip("pyautoattack")
    config = compose(f"data={data}", f"attacks=[{attack}]", "eta=0.2")["attacks"][attack]
    made = build(config)
    assert isinstance(made, Attack)
    assert made.eta == (0.2 if attack != "none" else 0)
    learns = type(made).fit is not Attack.fit and getattr(made, "start", made) is not None
    assert (made.fit_steps > 0) == learns


@pytest.mark.parametrize("data", options("data"))
def test_every_data_set_builds(data):
    made = build(compose(f"data={data}", "seed=3")["data"])
    assert isinstance(made, Images) and made.batch_size == 128 and made.seed == 3


@pytest.mark.parametrize("profile", options("profile"))
@pytest.mark.parametrize("data", ["mnist", "cifar10"])
def test_every_profile(profile, data):
    config = compose(f"profile={profile}", f"data={data}")
    assert config["profile"] == profile
    assert config["game"]["iterations"] == config["budget"]["game_iterations"]
    if profile == "paper":  # Appendices A and B
        undefended = compose("profile=paper", f"data={data}", "game=undefended")
        assert undefended["classifier"]["width"] == 1 and undefended["game"]["lambda_"] == 1e-4
        assert undefended["game"]["iterations"] == {"mnist": 50_000, "cifar10": 100_000}[data]
        assert config["attacks"]["attnet"]["iterations"] == 30_000 and config["attacks"]["attnet"]["sigma"] == 1e-3
        assert config["game"]["gamma"] == 1 and config["game"]["order"] == "simultaneous"


@pytest.mark.parametrize("logger", options("logger"))
def test_every_logger_composes(logger):
    assert compose(f"logger={logger}")["logger"] == {} or "_target_" in compose(f"logger={logger}")["logger"]


def test_the_schema_knows_every_key():
    assert set(compose()) == set(Train.__dataclass_fields__)
    assert set(compose(name="evaluate")) == set(Evaluate.__dataclass_fields__)


def test_settings_of_a_run_cannot_call_anything():
    with pytest.raises(UserError, match=r"os\.system is not allowed"):
        build({"_target_": "mvm.data.mnist5k.MNIST5k", "more": [{"_target_": "os.system", "command": "true"}]})
    for reached in ("torch.hub.load", "mvm.cli.Path.write_text", "mvm.cli.Path", "torch.optim.adam.torch.hub.load"):
        with pytest.raises(UserError, match=f"{reached} is not allowed"):
            check_targets({"_target_": reached})
    check_targets(compose())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_missing_gpu_is_named():
    with pytest.raises(UserError, match="no GPU is visible"):
        device("gpu")
    assert device("auto").type == "cpu"
