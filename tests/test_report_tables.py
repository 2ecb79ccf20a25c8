"""What a report's tables and curves show, on records made by hand."""

import pytest
from records import HONEST, Records

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


def test_an_archive_names_no_folder_of_this_machine():
    from mvm.report.archive import portable

    cell = b'{"weights": "/home/me/my outputs/runs/mnist-1/rounds/01.safetensors", "source": "runs/x", "method": "/"}'
    assert portable(cell, "a.json") == cell.replace(b"/home/me/my outputs/", b"")
    assert portable(cell, "a.npz") == cell
    assert portable(b"source: /x/outputs/runs/mnist-1\n", "config.yaml") == b"source: runs/mnist-1\n"
