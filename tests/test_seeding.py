import pytest
import torch

from mvm.seeding import derive, image_noise, reseed


@pytest.mark.parametrize("seed", [0, 5, (1 << 62) + 123, derive(7, 1)])
def test_a_seed_in_a_tensor_is_the_number(seed):
    held, x = torch.tensor(seed), torch.rand(3, 2, 5)
    assert derive(held, 3, 9).item() == derive(seed, 3, 9)
    assert torch.equal(image_noise(x, held), image_noise(x, seed))


def test_derived_seeds_do_not_collide():
    seeds = {derive(seed, key) for seed in range(30) for key in range(1000)}
    assert len(seeds) == 30_000 and derive(1, 2) == derive(1, 2)


def test_reseeding_is_torchs_own_and_asks_no_other_device(monkeypatch):
    torch.manual_seed(5)
    expected = torch.rand(3)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: 1 / 0)
    reseed(5, torch.device("cpu"))
    assert torch.equal(torch.rand(3), expected)


def test_noise_is_uniform_and_independent_across_pixels_images_and_seeds():
    x = torch.rand(400, 1, 20, 20)
    r = image_noise(x, 0)
    assert r.min() >= 0 and r.max() < 1
    counts = torch.histc(r, bins=20, min=0, max=1)
    assert (counts - counts.mean()).abs().max() < 5 * counts.mean().sqrt()
    centred = r.flatten(1) - 0.5
    for other in (centred.roll(1, 0), centred.roll(1, 1), image_noise(x, 1).flatten(1) - 0.5):
        assert abs((centred * other).mean().item() * 12) < 5 / r.numel() ** 0.5


def test_noise_belongs_to_the_image_not_to_its_place():
    x = torch.rand(6, 3, 4, 4)
    state = torch.get_rng_state()
    r = image_noise(x, 7)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(image_noise(x[[4, 1]], 7), r[[4, 1]])
    assert not torch.equal(r[0], r[1])
