"""The same attacks by other libraries; skipped where they are not installed: `make bench-test` installs them."""

import pytest
import torch
from peers import PEERS, Cleverhans, Foolbox, installed, mnist_net

from mvm.attacks.attack import wrong
from mvm.attacks.autoattack import AutoAttack
from mvm.attacks.fgsm import FGSM
from mvm.attacks.ifgsm import IFGSM
from mvm.attacks.pgd import PGD
from mvm.audit.paired import paired
from mvm.sensitivity import input_gradient

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peers
ETA, IMAGES = 0.16, 200  # where PGD breaks about half of the images


def needs(name):
    return pytest.mark.skipif(not installed(name), reason=f"{name} is not installed: make bench-test")


EVERY = [pytest.param(name, marks=needs(name)) for name in PEERS]


@pytest.fixture(scope="module")
def case():
    net, x, y = mnist_net(0.25, 100)
    x, y = x[::5][:IMAGES], y[::5][:IMAGES]
    assert wrong(net, x, y).float().mean() < 0.15
    return net, x, y


def clear(net, x, y):
    """Pixels whose gradient is larger than what rounding could turn round; ties of the sign are not."""
    _, gradient = input_gradient(net, x, y)
    size = gradient.abs()
    return size > 1e-4 * size.flatten(1).amax(1)[:, None, None, None]


def assert_equal_up_to_ties(case, ours, theirs):
    net, x, y = case
    sure = clear(net, x, y)
    assert sure.float().mean() > 0.8
    torch.testing.assert_close(ours[sure], theirs[sure], atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", EVERY)
def test_fgsm_is_the_peers(name, case):
    net, x, y = case
    assert_equal_up_to_ties(case, FGSM(eta=ETA, box=True)(net, x, y), PEERS[name](net, ETA, x).fgsm(x, y))


@pytest.mark.parametrize(
    ("peer", "bounds"),
    [
        pytest.param(Foolbox, (-9, 9), marks=needs("foolbox")),
        pytest.param(Cleverhans, (None, None), marks=needs("cleverhans")),
    ],
)
def test_fgsm_without_a_box_is_the_peers(peer, bounds, case):
    """Eq. (1) has no clip; torchattacks and ART always clip."""
    net, x, y = case
    ours = FGSM(eta=ETA)(net, x, y)
    assert ours.max() > 1
    assert_equal_up_to_ties(case, ours, peer(net, ETA, x, bounds).fgsm(x, y))


@pytest.mark.parametrize("name", EVERY)
def test_ifgsm_breaks_the_same_images(name, case):
    """Deterministic: the same climb from x, whose rounding may differ."""
    net, x, y = case
    ours = wrong(net, IFGSM(eta=ETA, steps=10, step=ETA / 4)(net, x, y), y)
    theirs = wrong(net, PEERS[name](net, ETA, x).pgd(x, y, steps=10, step=ETA / 4, start=False), y)
    assert (ours != theirs).float().mean() <= 0.01


@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("name", EVERY)
def test_pgd_is_no_weaker_at_equal_budget(name, restarts, case):
    net, x, y = case
    budget = {"steps": 10, "step": ETA / 4, "restarts": restarts}
    torch.manual_seed(0)
    theirs = wrong(net, PEERS[name](net, ETA, x).pgd(x, y, start=True, **budget), y).numpy()
    ours = wrong(net, PGD(eta=ETA, **budget)(net, x, y), y).numpy()
    _, _, high = paired(ours, theirs)
    assert 0.2 < theirs.mean() < 0.9 and high >= 0, (ours.mean(), theirs.mean())


@needs("pyautoattack")
def test_autoattack_is_feasible_repeatable_and_no_stronger_than_our_worst_case(case):
    net, x, y = case[0], case[1][:40], case[2][:40]
    attack = AutoAttack(eta=ETA, components=["apgd-ce"])
    state = torch.get_rng_state()
    z = attack(net, x, y)
    assert torch.equal(torch.get_rng_state(), state) and torch.equal(z, attack(net, x, y))
    ours = wrong(net, PGD(eta=ETA, steps=40, restarts=3, loss="margin")(net, x, y), y)
    assert abs(wrong(net, z, y).float().mean() - ours.float().mean()) <= 0.03


@needs("pyautoattack")
def test_autoattack_starts_as_often_as_the_package_s_standard_version(case):
    """Counted by its questions on images that it cannot break."""
    package = pytest.importorskip("pyautoattack")
    net, (x, y) = case[0], (case[1][:4], case[2][:4])
    y = net(x).argmax(1)
    asked = []

    def on_unit(images):
        return net(2 * images - 1)

    with net.register_forward_hook(lambda *_: asked.append(1)):
        counts = []
        for restarts in (1, 5):
            AutoAttack(eta=1e-4, components=["apgd-ce"], restarts=restarts)(net, x, y)
            counts.append(len(asked))
            asked.clear()
        with torch.random.fork_rng():
            judge = package.AutoAttack(on_unit, version="standard", eps=5e-5, seed=0)
            judge.attacks_to_run = ["apgd-ce"]
            judge.run_standard_evaluation((x + 1) / 2, y, batch_size=4)
    assert counts[0] == len(asked) + 2  # before it begins, and at its end
    assert counts[1] > counts[0] + 4 * 100


@needs("pyautoattack")
def test_autoattack_is_the_package_s_standard_version_one_component_after_another(case):
    package = pytest.importorskip("pyautoattack")
    net, x, y = case[0], case[1][:20], case[2][:20]
    components = ["apgd-ce", "apgd-t"]
    attack = AutoAttack(eta=ETA / 2, components=components)
    z = attack(net, x, y)
    broken = attack.report()["broken"]

    def on_unit(images):
        return net(2 * images - 1)

    with torch.random.fork_rng():
        judge = package.AutoAttack(on_unit, version="standard", eps=ETA / 4, seed=0)
        judge.attacks_to_run = components
        theirs, _ = judge.run_standard_evaluation((x + 1) / 2, y, batch_size=len(x))
    moved = (z != x).flatten(1).any(1)
    torch.testing.assert_close(z[moved], 2 * theirs[moved] - 1, atol=2e-6, rtol=0)
    assert torch.equal(wrong(net, z, y), wrong(net, 2 * theirs - 1, y))
    assert list(broken) == ["clean", *components] and sum(broken.values()) == int(wrong(net, z, y).sum())
    assert broken["clean"] == int(wrong(net, x, y).sum()) and 0 < broken["apgd-ce"] < len(x)
