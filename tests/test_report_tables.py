"""What a report's tables and curves show, on records made by hand."""

import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from records import HONEST, Records, cell

from mvm.errors import UserError
from mvm.report.draw import draw
from mvm.report.records import Entry, Score, read_entries
from mvm.report.samples import panels
from mvm.report.series import gather
from mvm.report.tables import fill


def test_clean_images_stand_in_every_table_once(tmp_path):
    records = Records(tmp_path)
    records.add(*HONEST)
    lines, text = records.show()
    assert lines["clean"]["ours"] == "0.05" and lines["clean"]["paper"] == "" and "| No attack ⁺ |" in text
    records.add(*HONEST, table="table1", game="undefended")
    assert "| No attack | FGSM-curr |" in records.show("table1")[1] and "No attack ⁺" not in records.show("table1")[1]


def test_a_curve_of_several_seeds_is_their_mean_and_keeps_each(tmp_path):
    records = Records(tmp_path)
    for seed, errors in enumerate([(0.3, 0.10), (0.1, 0.05)]):
        rows = "".join(f"{10 * (i + 1)},{error}\n" for i, error in enumerate(errors))
        (records.add(table="figure3", seed=seed) / "history.csv").write_text("iteration,val_error\n" + rows)
    figure = gather("figure3", read_entries(records.outputs, "short")["figure3"])
    (line,) = figure.series
    assert line.points == [(10, 0.2), (20, pytest.approx(0.075))] and "mean of 2 seeds" in line.label
    assert line.each == [[(10, 0.3), (20, 0.1)], [(10, 0.1), (20, 0.05)]]
    assert figure.top == 0.5  # of 0.05, 0.1, 0.2, 0.5 and 1 the first that is not below 0.3


def test_a_mean_is_of_seeds_that_differ_in_nothing_else(tmp_path, capsys):
    """Seeds 1 and 2 are older: of another width (2), or scored by another PGD (1). Its clean error still counts."""
    records, pgd = Records(tmp_path), {"_target_": "mvm.attacks.pgd.PGD"}
    for seed, error, steps, width in ((0, 0.5, 20, 1), (1, 0.7, 40, 1), (2, 0.9, 20, 0.5)):
        scores = [cell("none", error / 10), cell("pgd", error, settings=pgd | {"steps": steps, "seed": seed})]
        records.add(*scores, seed=seed, made=f"2026-01-0{9 - seed}", width=width)
    lines, _ = records.show()
    assert (lines["pgd"]["ours"], lines["pgd"]["seeds"]) == ("0.5", "0")
    assert (float(lines["clean"]["ours"]), lines["clean"]["seeds"]) == (pytest.approx(0.06), "0; 1")
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "leaves out" in line]
    assert "seed1" in said and "seed2" in said and "seed0" not in said
    assert len(read_entries(zipfile.Path(tmp_path / "to/records.zip"), "short")["table5"]) == 3  # it keeps all of them


def test_two_machines_weights_of_one_run_stay_apart(tmp_path):
    """Table 3 is another machine's, Table 5 ours, of the same name: both stay as they are, in every report after."""
    theirs, records = Records(tmp_path / "theirs"), Records(tmp_path / "ours")
    theirs.add(*HONEST, table="table3", made="2026-01-01 10:00")
    before, _ = theirs.show("table3")
    shutil.copytree(tmp_path / "theirs/to", tmp_path / "ours/to")
    records.add(*(cell(c["attack"], c["error"] + 0.1, weights="v") for c in HONEST), made="2026-01-02 10:00")
    for _ in range(2):
        mine, _ = records.show("table5")
        assert float(mine["pgd"]["ours"]) == pytest.approx(0.5) and "E23!" not in str(mine)
        after, _ = records.show("table3")
        assert {k: v["ours"] for k, v in after.items()} == {k: v["ours"] for k, v in before.items()}
        assert "E23!" not in str(after)
    shutil.rmtree(tmp_path / "ours/runs")
    assert records.show("table5")[0]["pgd"]["ours"] == mine["pgd"]["ours"]


def test_what_this_machine_made_is_shown_before_a_larger_data_set_of_another(tmp_path, capsys):
    records = Records(tmp_path)
    records.add(*HONEST)
    records.show()
    shutil.rmtree(tmp_path / "exhibits")
    records.add(*(cell(c["attack"], c["error"] + 0.1) for c in HONEST), data="mnist5k")
    lines, _ = records.show()
    assert (lines["pgd"]["data"], lines["pgd"]["ours"]) == ("mnist5k", "0.5")
    out = capsys.readouterr().out
    assert "table5 is of mnist5k; records.zip has mnist, too" in out and "1 of 2 runs are from records.zip" in out


def test_the_later_one_of_two_records_counts(tmp_path):
    records = Records(tmp_path)
    for error, made, shown in ((0.4, "2026-01-02", "0.4"), (0.5, "2026-01-01", "0.4"), (0.6, "2026-01-03", "0.6")):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        records.add(cell("none", 0.05), cell("pgd", error), made=made)
        assert records.show()[0]["pgd"]["ours"] == shown


def test_damaged_records_are_left_out_and_named(tmp_path, capsys):
    records = Records(tmp_path)
    folder = records.add(*HONEST)
    (folder / "cells/pgd-0.json").write_text("{")
    lines, _ = records.show()
    assert "pgd" not in lines and lines["fgsm_curr"]["ours"] == "0.2"
    note = next(tmp_path.glob("exhibits/short/table5/*.json"))
    note.write_text("{")
    capsys.readouterr()
    shutil.rmtree(tmp_path / "to")
    assert records.show()[0] == {} and f"left out {note}: damaged (JSONDecodeError)" in capsys.readouterr().out


def test_a_flipped_byte_in_the_records_is_one_line(tmp_path):
    records = Records(tmp_path)
    records.add(*HONEST)
    records.show()
    file = tmp_path / "to/records.zip"
    whole = bytearray(file.read_bytes())
    whole[200] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(UserError, match="records.zip is damaged .*; delete it"):
        records.show()


def test_figure_4_is_of_one_eta_and_seed_and_none_stays_of_an_earlier_report(tmp_path):
    def entry(game, eta, seed, *attacks):
        scores = {}
        for attack in attacks:
            file = tmp_path / f"{game}{eta}{seed}{attack}.npz"
            np.savez(
                file, x=np.zeros((10, 1, 2, 2)), z=np.full((10, 1, 2, 2), 3.0), y=np.arange(10), answers=np.arange(10)
            )
            scores[attack] = Score(attack, 0.1, 10, False, (1,), None, file, file)
        config = {"budget": {"rounds": 80}}
        return Entry(file, tmp_path, "mnist", game, eta, seed, "", "", scores, config)

    entries = [
        entry("alt", 0.3, 0, "own"),
        entry("minimax", 0.2, 0, "own"),
        entry("undefended", 0.2, 0, "none", "fgsm"),
    ]
    found = panels([*entries, entry("maximin", 0.2, 1, "own")])
    assert [(panel.letter, panel.eta) for panel in found] == [("a", 0.2), ("b", 0.2), ("e", 0.2)]
    assert all((image == 1).all() for panel in found for image in panel.images)  # z, cut to the pixel range
    figure = gather("figure4", [])
    for suffix in ("png", "svg"):
        (tmp_path / f"figure4.{suffix}").write_text("old")
    assert not draw(figure, [], tmp_path) and not list(tmp_path.glob("figure4.*"))


def test_a_struck_number_has_no_interval_and_only_the_seed_of_the_run_is_made_seeds(tmp_path):
    records = Records(tmp_path)
    for seed in (0, 1):
        records.add(*HONEST, cell("fgsm", 0.01), seed=seed)
    lines, _ = records.show()
    line = lines["fgsm_curr"]
    assert line["ours"].startswith(">=") and line["low"] == line["high"] == ""
    command = "python -m mvm.train attacks.pgd.seed=7 seed=0"
    entries = [replace(e, command=command) for e in read_entries(tmp_path, "short")["table5"]]
    (shown,) = [c for c in fill("table5", entries).run if (c.defense, c.attack) == ("minimax", "pgd")]
    assert shown.command == "python -m mvm.train attacks.pgd.seed=7 seed=0,1"


def test_an_archive_names_no_folder_of_this_machine():
    from mvm.report.archive import portable

    cell = b'{"weights": "/home/me/my outputs/runs/mnist-1/rounds/01.safetensors", "source": "runs/x", "method": "/"}'
    assert portable(cell, "a.json") == cell.replace(b"/home/me/my outputs/", b"")
    assert portable(cell, "a.npz") == cell
    assert portable(b"source: /x/outputs/runs/mnist-1\n", "config.yaml") == b"source: runs/mnist-1\n"
