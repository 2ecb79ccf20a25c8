import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import REAL_DATA, TINY, needs_data
from safetensors.torch import load_file

from mvm.data import cifar10, mnist
from mvm.data.augment import Augment
from mvm.data.batches import Blocks, batches
from mvm.data.cifar10 import CIFAR10, standardise
from mvm.data.images import Images, Split
from mvm.data.mnist import MNIST
from mvm.data.mnist5k import MNIST5k
from mvm.errors import UserError


def test_mnist5k_is_split_evenly_and_without_overlap():
    data = MNIST5k()
    data.setup()
    assert (len(data.train.x), len(data.val.x), len(data.test.x)) == (3500, 500, 1000)
    assert data.test.y.bincount().tolist() == [100] * 10
    assert data.train.x.min() == -1 and data.train.x.max() == 1
    seen = {row.numpy().tobytes() for row in torch.cat([data.train.x, data.val.x]).flatten(1)}
    assert not any(row.numpy().tobytes() in seen for row in data.test.x.flatten(1))


def test_the_validation_split_does_not_depend_on_the_seed():
    a, b = MNIST5k(seed=0), MNIST5k(seed=1)
    a.setup()
    b.setup()
    assert torch.equal(a.val.x, b.val.x)


def test_batches_are_a_function_of_seed_and_iteration():
    x = torch.arange(23).float().view(-1, 1, 1, 1)
    y = torch.arange(23)

    def labels(seed, start, n):
        return [b[1].tolist() for b in itertools.islice(batches(x, y, 5, seed, start), n)]

    whole = labels(0, 0, 12)
    assert labels(0, 7, 5) == whole[7:]
    assert labels(1, 0, 12) != whole
    for epoch in range(3):  # 4 full batches of 5 out of 23, each image at most once
        seen = sum(whole[4 * epoch : 4 * epoch + 4], [])
        assert len(set(seen)) == 20
    assert whole[:4] != whole[4:8]
    with pytest.raises(UserError, match="there are only 23"):
        next(batches(x, y, 24, 0))


def moved(image, down, right, mirrored, shift):
    """By definition: where a pixel goes, one by one; beyond an edge is the edge."""
    out = torch.empty_like(image)
    _, h, w = image.shape
    for r, c in itertools.product(range(h), range(w)):
        row = min(max(r - (down - shift), 0), h - 1)
        column = min(max((w - 1 - c if mirrored else c) - (right - shift), 0), w - 1)
        out[:, r, c] = image[:, row, column]
    return out


@pytest.mark.parametrize(("shift", "flip"), [(0, True), (2, False), (2, True)])
def test_images_are_moved_and_mirrored_as_drawn(shift, flip):
    augment = Augment(shift, flip)
    x = torch.rand(40, 3, 6, 5)
    draws = augment.draw(40, 1)
    for image, draw, result in zip(x, draws.tolist(), augment(x, draws), strict=True):
        assert torch.equal(result, moved(image, *draw, shift))
    many = augment.draw(9000, 2)
    for move in (many[:, 0], many[:, 1]):
        share = move.bincount(minlength=2 * shift + 1) / 9000
        assert len(share) == 2 * shift + 1 and (share * len(share) - 1).abs().max() < 0.1
    assert abs(many[:, 2].float().mean() - 0.5 * flip) < 0.02


def test_augmented_batches_are_a_function_of_seed_and_iteration():
    x, y = torch.rand(23, 1, 4, 4), torch.arange(23)

    def images(seed, start, n):
        return torch.stack([b[0] for b in itertools.islice(batches(x, y, 5, seed, start, Augment(1, True)), n)])

    whole = images(0, 0, 12)
    assert torch.equal(images(0, 7, 5), whole[7:]) and not torch.equal(images(1, 0, 12), whole)
    plain = list(itertools.islice(batches(x, y, 5, 0), 12))
    assert not torch.equal(torch.stack([b[0] for b in plain]), whole)
    with pytest.raises(ValueError, match="shift=-1, flip=False: must be 0 or more pixels"):
        MNIST5k(shift=-1)


def test_a_game_trains_on_images_that_move(mvm):
    runs = [mvm("train", *TINY, "game=undefended", "attacks=[none]", f"data.shift={n}").folder for n in (0, 1)]
    still, moving = (load_file(run / "defender.safetensors") for run in runs)
    assert any(not torch.equal(still[name], moving[name]) for name in still)


def test_blocks_continue_where_they_stopped():
    x, y = torch.arange(40).view(-1, 1, 1, 1).float(), torch.arange(40)

    def blocks(start, stop):
        return Blocks(x, y, batch_size=4, seed=0, start=start, stop=stop, size=3)

    lengths = [len(block) for block in blocks(0, 10)]
    assert lengths == [3, 3, 3, 1] and len(blocks(0, 10)) == 4
    flat = [b[1].tolist() for block in blocks(0, 10) for b in block]
    assert [b[1].tolist() for block in blocks(6, 10) for b in block] == flat[6:]


def test_standardise_is_appendix_b():
    torch.manual_seed(0)
    pixels = torch.rand(4, 3, 5, 5)
    pixels[3] = 0.25  # flat
    x, unit = standardise(pixels)
    one = pixels[1]
    expected = ((one - one.mean()) / one.std(correction=0)).clamp(-2, 2) / 2
    torch.testing.assert_close(x[1], expected)
    torch.testing.assert_close(unit[1], 2 * one.std(correction=0))
    assert x.abs().max() <= 1 and torch.isfinite(x).all() and x[3].abs().max() == 0


@pytest.mark.parametrize("data", [MNIST, CIFAR10])
def test_missing_files_name_the_folder_and_the_way_out(data, tmp_path, monkeypatch):
    monkeypatch.setenv("MVM_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr("urllib.request.urlopen", _no_network)
    with pytest.raises(UserError) as error:
        data().setup()
    assert all(word in str(error.value) for word in (str(tmp_path / "nothing"), "MVM_DATA", "data=mnist5k"))


def _no_network(*_, **__):
    raise OSError("no network in this test")


@needs_data
@pytest.mark.parametrize(
    ("data", "file"), [(MNIST, "MNIST/raw/train-images-idx3-ubyte"), (CIFAR10, "cifar-10-batches-py/data_batch_3")]
)
def test_truncated_files_are_refused(data, file, tmp_path, monkeypatch):
    for source in (Path(REAL_DATA) / file).parent.iterdir():
        link = tmp_path / Path(file).parent / source.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source.absolute())
    broken = tmp_path / file
    content = broken.read_bytes()[:100_000]
    broken.unlink()
    broken.write_bytes(content)
    monkeypatch.setattr("urllib.request.urlopen", _no_network)
    with pytest.raises(UserError, match="cannot read"):
        data(root=str(tmp_path)).setup()


@needs_data
@pytest.mark.parametrize(
    ("data", "n", "shape"),
    [(MNIST, (55_000, 5000, 10_000), (1, 28, 28)), (CIFAR10, (45_000, 5000, 10_000), (3, 32, 32))],
)
def test_real_data(data, n, shape):
    data = data()
    data.setup()
    splits = (data.train, data.val, data.test)
    assert tuple(len(s.x) for s in splits) == n
    assert all(s.x.shape[1:] == shape and s.x.abs().max() <= 1 and s.y.max() == 9 for s in splits)
    if shape[0] == 3:  # epsilon per image: the paper's eta is in standard deviations
        assert 0.2 < data.test.unit.mean() < 0.6 and data.test.unit.std() > 0.05


def test_mnist_s_pixels_are_in_the_interval_that_eta_is_measured_on():
    files = SimpleNamespace(data=torch.tensor([[[0, 255], [51, 204]]], dtype=torch.uint8), targets=torch.tensor([3]))
    x, y, unit = mnist._split(files)
    assert x.shape == (1, 1, 2, 2) and x.flatten().tolist() == pytest.approx([-1, 1, -0.6, 0.6])
    assert y.tolist() == [3] and unit.tolist() == [0.5]  # of a [0, 1] pixel, for each of x


def test_cifar10_s_pixels_stay_where_they_are():
    data = np.zeros((1, 32, 32, 3), np.uint8)
    data[0, :16], data[0, 3, 7, 1] = 100, 255
    x, _, unit = cifar10._split(SimpleNamespace(data=data, targets=[4]))
    assert x[0, 1, 3, 7] == 1  # channel, row, column
    assert unit.item() == pytest.approx(2 * (data / 255).std(), rel=1e-5)


class Numbers(Images):
    def load(self):
        n = torch.arange(20)
        split = Split(n.view(-1, 1, 1, 1) / 20, n, n / 2)
        return split, split


def test_no_image_is_both_trained_on_and_validated():
    data = Numbers(val=5)
    data.setup()
    assert sorted(data.train.y.tolist() + data.val.y.tolist()) == list(range(20)) and len(data.val.y) == 5
    for split in (data.train, data.val):
        assert torch.equal(split.unit, split.y / 2) and torch.equal(split.x.flatten() * 20, split.y.float())
