"""From settings to objects, for the entry points."""

from pkgutil import resolve_name
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from mvm.errors import UserError
from mvm.numbers import check_whole
from mvm.threat import check_eta

UNNAMED = {"precision", "strategy", "num_nodes", "overfit_batches", "plugins", "gradient_clip_val"}
UNNAMED |= {"gradient_clip_algorithm", "accumulate_grad_batches"}
OURS = {"callbacks", "logger", "default_root_dir", "max_epochs", "reload_dataloaders_every_n_epochs", "inference_mode"}
OURS |= {"num_sanity_val_steps", "enable_progress_bar", "enable_model_summary"}
TRUSTED = ("mvm.", "torch.nn.", "torch.optim.", "pytorch_lightning.")


def build(config: Any, **more: Any) -> Any:
    """hydra's instantiate, for `TRUSTED` classes only: a run's config.yaml may come from anyone.

    A `UserError` of the class stays one.
    """
    check_targets(config)
    try:
        return instantiate(config, **more)
    except InstantiationException as why:
        if isinstance(why.__cause__, UserError):
            raise why.__cause__ from None
        raise


def check_targets(config: Any) -> None:
    """Raise `UserError` at the first `_target_` that is not a class which a trusted package itself defines."""
    if isinstance(config, dict) and "_target_" in config and not _trusted(str(config["_target_"])):
        allowed = ", ".join(name.rstrip(".") for name in TRUSTED)
        raise UserError(f"_target_: {config['_target_']} is not allowed; only classes of {allowed} are")
    parts = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    for part in parts:
        check_targets(part)


def _trusted(target: str) -> bool:
    """Not so functions, nor what a trusted module has imported: mvm.cli.Path.write_text would write a file."""
    if not target.startswith(TRUSTED):
        return False
    try:
        thing = resolve_name(target)
    except (ImportError, AttributeError):
        return True  # nothing to run; instantiate says what is missing
    return isinstance(thing, type) and thing.__module__.startswith(TRUSTED)


def device(accelerator: str) -> torch.device:
    """The device of a setting of trainer.accelerator. Raises `UserError` for a GPU that is not there."""
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise UserError(f"trainer.accelerator={accelerator}: no GPU is visible to torch here; use cpu or auto")
    if accelerator not in ("auto", "cpu", "gpu", "cuda"):
        raise UserError(f"trainer.accelerator={accelerator}: must be auto, cpu or gpu")
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def check_trainer(settings: dict[str, Any]) -> None:
    """Raises `UserError` for a setting of the Trainer that changes the weights, which no run's name would say."""
    for name in sorted(settings.keys() & UNNAMED):
        raise UserError(
            f"trainer.{name}={settings[name]}: would change what a run computes and not its name; games are played "
            f"in float32, on one device, on all images, with optimisers of their own: leave it out"
        )
    for name in sorted(settings.keys() & OURS):
        raise UserError(f"trainer.{name}={settings[name]}: is set by mvm.train; game.iterations says how long")
    try:
        check_whole(**{"trainer.limit_train_batches": settings["limit_train_batches"]})
    except ValueError as why:
        raise UserError(str(why)) from why
    if settings["devices"] != 1:
        raise UserError(f"trainer.devices={settings['devices']}: a game is played on one device; a sweep takes several")


def check_optimizers(config: Any, at: str = "game") -> None:
    """Raises `UserError` for an optimiser with a rate of its own, in whose place it gets that of its player."""
    for name, part in config.items() if isinstance(config, dict) else ():
        if isinstance(part, dict) and "lr" in part and str(part.get("_target_")).startswith("torch.optim."):
            raise UserError(f"{at}.{name}.lr={part['lr']}: the rate of u is lambda_, that of v sigma; leave lr out")
        check_optimizers(part, f"{at}.{name}")


def check_test_images(n: int | None) -> None:
    """Raises `UserError` for a number of test images below 1; None is the whole test set."""
    if n is not None and n < 1:
        raise UserError(f"test_images={n}: must be 1 or more; null scores on the whole test set")


def positive_eta(eta: float) -> float:
    """eta itself. Raises `UserError` unless 0 < eta <= 2."""
    try:
        if check_eta(eta) == 0:
            raise ValueError("eta=0 leaves the attacker nothing to do; for clean errors use attacks=[none]")
    except ValueError as why:
        raise UserError(str(why)) from why
    return eta
