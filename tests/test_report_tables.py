"""What a report's tables and curves show, on records made by hand."""

import zipfile

import pytest
from records import HONEST, Records, cell

from mvm.report.records import read_entries
from mvm.report.series import gather


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


def test_an_archive_names_no_folder_of_this_machine():
    from mvm.report.archive import portable

    cell = b'{"weights": "/home/me/my outputs/runs/mnist-1/rounds/01.safetensors", "source": "runs/x", "method": "/"}'
    assert portable(cell, "a.json") == cell.replace(b"/home/me/my outputs/", b"")
    assert portable(cell, "a.npz") == cell
    assert portable(b"source: /x/outputs/runs/mnist-1\n", "config.yaml") == b"source: runs/mnist-1\n"
