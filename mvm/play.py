"""Play one game: train, or go on; then score; keep every step in the run's record."""

import logging
import pickle
import platform
import warnings
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException

from mvm import __version__
from mvm.audit.cell import Cell
from mvm.audit.score import seconds_to_score
from mvm.board import Board, watched
from mvm.build import build, check_optimizers, check_trainer, device
from mvm.cells import cells, kept_cell
from mvm.data.batches import BLOCK, blocks_together
from mvm.data.images import Images
from mvm.errors import UserError
from mvm.games.game import Game
from mvm.games.keep import Keep, Row, write_history
from mvm.games.watch import Watch
from mvm.lock import alone
from mvm.record import Run, history, name_of
from mvm.seeding import derive
from mvm.shared_rounds import share_rounds
from mvm.terminal import bar, duration, say
from mvm.tf32 import tf32
from mvm.threat import describe
from mvm.weights import load_weights, save_weights

# Lightning's notices of devices and products, and its own use of what torch deprecates
logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", module="pytorch_lightning")


def try_settings(config: dict[str, Any]) -> None:
    """Build the game and the attacks, and drop them: a wrong setting shows now, not after hours of training."""
    check_trainer(config["trainer"])
    check_optimizers(config["game"])
    check_optimizers(config["attacks"], "attacks")
    device(config["trainer"]["accelerator"])
    for name, settings in config["attacks"].items():
        try:
            build(settings)
        except InstantiationException as why:
            raise UserError(f"attacks.{name}: {why.__cause__ or why}") from why
    build_game(config, None)


def play(run: Run, config: dict[str, Any], source: Run | None) -> dict[str, Cell]:
    """Bring the run up to these settings, doing only what is missing; return the scores asked for.

    source: the run whose defender the game starts from or is played against, where it needs one.
    A game with a learned attacker is also scored against that attacker as it ended, as `own`.
    """
    with alone(run.lock):
        if config["force"]:
            run.clear()
        return _play(run, config, source)


def _play(run: Run, config: dict[str, Any], source: Run | None) -> dict[str, Cell]:
    attacks = dict(config["attacks"])
    if attacks and "attack" in config["game"]:
        attacks["own"] = config["game"]["attack"]
    n = config["test_images"]
    kept = [kept_cell(run, name, settings, n) for name, settings in attacks.items()]
    complete = run.complete and all(cell and cell["n"] == run.metrics()["n"] for cell in kept)
    with watched(run, config, complete=complete) as board:
        if complete:
            say(f"{run.folder.name} is complete: nothing to do (force=true repeats it)")
            scores = cells(run, attacks, defence=_unneeded, test_images=n)
        else:
            scores = _train_and_score(run, config, source, attacks, board)
        board.end(run, scores, n)
    return scores


def _train_and_score(
    run: Run, config: dict[str, Any], source: Run | None, attacks: dict[str, dict[str, Any]], board: Board
) -> dict[str, Cell]:
    data: Images = build(config["data"])
    data.setup()
    game = build_game(config, source)
    run.begin(config)
    say(f"{run.folder.name}: {describe(config['eta'], data.test.unit)}")
    if not run.trained:
        with alone(run.lock_of_twins):
            run.begin(config)  # again: a twin may have been trained meanwhile
            if not run.trained:
                share_rounds(run, config)
            if not run.trained:
                fit(game, data, run, config, board.row)
    return score_all(game, data, run, config, attacks)


@tf32(False)
def score_all(
    game: Game, data: Images, run: Run, config: dict[str, Any], attacks: dict[str, dict[str, Any]]
) -> dict[str, Cell]:
    """The scores of the run's kept defender against `attacks`; metrics.json is written when all are there."""
    where = device(config["trainer"]["accelerator"])
    for player in game.trained:
        load_weights(getattr(game, player), getattr(run, player))
    game.to(where)
    data.to(where)
    tested = data.tested_on(config["test_images"])
    ready = {"own": game.attack} if game.attack is not None else {}
    scores = cells(run, attacks, lambda: (game.defender, tested), ready, config["test_images"])
    if scores:
        run.write_metrics(_metrics(run, config, game.iterations, tested, scores))
    return scores


def _unneeded() -> Any:
    raise AssertionError("every score was found a moment ago")


def build_game(config: dict[str, Any], source: Run | None) -> Game:
    """The game of these settings at its start: new players, initialised from the seed; so, too, a source of None."""
    torch.manual_seed(derive(config["seed"]))
    more = {"defender": build(config["classifier"])}
    if "source" in config["game"]:
        more["source"] = build(config["classifier"])
        if source:
            load_weights(more["source"], source.defender)
    return build(config["game"], **more)


def fit(game: Game, data: Images, run: Run, config: dict[str, Any], show: Callable[[Row], None]) -> None:
    """Train from the run's checkpoint, or from the start; then keep the players' weights.

    show: is shown every row of history.csv.
    """
    at = _resume(run, game)
    if at:
        say(f"goes on from iteration {at} of {game.iterations}")
    if at < game.iterations:
        # a sample set may be this very run's, whose weights are yet to be made: it is forecast on any
        attacks = [build(s | ({"weights": None} if "weights" in s else {})) for s in config["attacks"].values()]

        def announce(seconds: float) -> None:
            training = seconds * (game.iterations - at)
            scoring = seconds_to_score(game.defender, attacks, data.tested_on(config["test_images"]))
            say(
                f"{game.iterations - at} iterations at {_milliseconds(seconds)} ms: about {duration(training)}; "
                f"then scoring, about {duration(scoring)}"
            )

        if device(config["trainer"]["accelerator"]).type == "cuda" and (why := game.obstacle()):
            say(f"not replayed as a CUDA graph: {why}")
        with bar(name_of(config["game"])) as progress:
            trainer = _trainer(config, data, [Watch(progress, announce), Keep(run, show)], run)
            try:
                with tf32(False):  # an iteration itself is made with it
                    trainer.fit(game, datamodule=data, ckpt_path=run.checkpoint if at else None, weights_only=True)
            except SystemExit as why:  # Lightning's answer to Ctrl-C
                raise KeyboardInterrupt from why
        if game.iteration < game.iterations:
            raise UserError(
                f"the trainer stopped after {game.iteration} of {game.iterations} iterations; game.iterations (in cat "
                f"and mouse game.rounds) says how many, no setting of the trainer"
            )
    for player in reversed(game.trained):  # the defender last: its file says that the run is trained
        save_weights(getattr(game, player), getattr(run, player))
    if "defender" not in game.trained:
        save_weights(game.defender, run.defender)


def _trainer(config: dict[str, Any], data: Images, callbacks: list[pl.Callback], run: Run) -> pl.Trainer:
    """The settings' Trainer, for a game on these images."""
    where = device(config["trainer"]["accelerator"])  # not Lightning's choice, which may be a Mac's GPU
    settings, limit = config["trainer"] | {"accelerator": where.type}, config["trainer"]["limit_train_batches"]
    many = blocks_together(limit, where)
    data.block = BLOCK * many
    trainer: pl.Trainer = build(
        settings | ({"limit_train_batches": limit // many} if many > 1 else {}),
        callbacks=callbacks,
        logger=False,
        default_root_dir=str(run.folder),
        max_epochs=-1,  # the game counts; see Keep
        reload_dataloaders_every_n_epochs=1,  # blocks from the game's iteration on
        inference_mode=False,  # attacks differentiate
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return trainer


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g}" if seconds < 0.01 else f"{1000 * seconds:.0f}"


def _resume(run: Run, game: Game) -> int:
    """The iteration of the checkpoint, 0 if there is none; at the last one game and history.csv are filled from it."""
    if not run.checkpoint.exists():
        return 0
    try:
        state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
        if state["iteration"] >= game.iterations:
            game.load_state_dict(state["state_dict"])
            write_history(run.history, state["callbacks"][Keep.__name__]["rows"])  # a kill may have come before it
        return state["iteration"]
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError, OSError) as why:
        raise UserError(
            f"{run.checkpoint} is damaged ({type(why).__name__}); delete it, or start the run again with force=true"
        ) from why


def _machine(accelerator: str) -> str:
    """x86_64, 2 threads, cpu; or the name of the GPU in place of cpu."""
    where = device(accelerator)
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else where.type
    return f"{platform.machine()}, {torch.get_num_threads()} threads, {name}"


def _metrics(
    run: Run, config: dict[str, Any], iterations: int, data: Images, scores: dict[str, Cell]
) -> dict[str, Any]:
    rows = history(run.history)
    before = run.metrics() if run.metrics_file.exists() else {}
    others = before["errors"] if before.get("n") == len(data.test.y) else {}
    return {
        "game": name_of(config["game"]),
        "data": name_of(config["data"]),
        "eta": config["eta"],
        "threat": describe(config["eta"], data.test.unit),
        "seed": config["seed"],
        "profile": config["profile"],
        "iterations": iterations,
        "seconds": rows[-1]["seconds"] if rows else 0.0,
        "complete": True,
        "n": len(data.test.y),
        "errors": others | {name: cell["error"] for name, cell in scores.items()},
        "mvm": __version__,
        "torch": torch.__version__,
        "machine": _machine(config["trainer"]["accelerator"]),
    }
