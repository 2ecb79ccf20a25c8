"""Which attacks a game can play: those that need nothing but a classifier and images, and networks that it trains."""

from torch import nn

from mvm.attacks.attack import Attack
from mvm.attacks.transfer import Transfer


def fixed(attack: Attack, given: str = "") -> Attack:
    """An attack that a game can remake at every iteration. ValueError for one that it would play untrained.

    Such are attacks that `fit`, and sample sets made on another classifier, whose weights only scoring looks for.
    given: the setting that asked for it, for the error; attack=... if it is empty.
    """
    if attack.fit_steps or isinstance(attack, Transfer):
        raise ValueError(
            f"{given or f'attack={_name(attack)}'} only scores: it must be trained first, or made on another "
            f"classifier. Allowed are fgsm, ifgsm, pgd3, ...; and attnet, attnet_folded in game=minimax, alt, mixture, "
            f"which train them"
        )
    return attack


def learned(attack: Attack) -> nn.Module:
    """The network z(x; v) of an attack, for a game to train. ValueError for an attack without one."""
    net = getattr(attack, "net", None)
    if net is None:
        raise ValueError(
            f"attack={_name(attack)} is not a network that this game could train; allowed: attnet, attnet_folded, "
            f"attnet_folded_conv. game=lwa_fgsm, pgd_train and mixture play against other attacks"
        )
    assert isinstance(net, nn.Module)
    return net


def _name(attack: Attack) -> str:
    return type(attack).__module__.rpartition(".")[2]
