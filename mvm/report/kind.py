"""Entries of one kind: a mean over seeds is one of runs that differ in nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mvm.record import but_for_seed, without
from mvm.report.records import Entry, Score

OF_A_SEED = ("seed", "source", "weights")  # settings of an attack that differ from seed to seed


def of_one_kind(entries: Iterable[Entry]) -> list[Entry]:
    """Of each data set, game and eta the entries trained with the settings of the one that was made last.

    Of their scores against an attack, too, those with its settings and number of images. Others are of an
    older budget, say, whose seeds were not all made again.
    """
    groups: dict[tuple[str, str, float], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.data, entry.game, entry.eta), []).append(entry)
    return [entry for group in groups.values() for entry in _like_the_last(group)]


def left_out(entries: Iterable[Entry], shown: Iterable[Entry]) -> list[str]:
    """The names of runs that have scores which are not shown, or are not shown at all."""
    seen = {(entry.note.name, name) for entry in shown for name in ["", *entry.scores]}
    every = ((entry, name) for entry in entries for name in ["", *entry.scores])
    return sorted({entry.folder.name for entry, name in every if (entry.note.name, name) not in seen})


def _like_the_last(group: list[Entry]) -> list[Entry]:
    kind = but_for_seed(max(group, key=lambda entry: entry.made).config)
    same = [entry for entry in group if but_for_seed(entry.config) == kind]
    wanted: dict[str, Any] = {}
    for entry in sorted(same, key=lambda entry: entry.made):
        wanted |= {name: _kind(score) for name, score in entry.scores.items()}
    return [
        replace(entry, scores={name: score for name, score in entry.scores.items() if _kind(score) == wanted[name]})
        for entry in same
    ]


def attack_of(score: Score) -> Any:
    """The settings of the attack but for what differs from seed to seed."""
    return without(score.cell.get("settings"), OF_A_SEED)


def _kind(score: Score) -> Any:
    return attack_of(score), score.n
