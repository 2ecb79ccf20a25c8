"""What an epoch of FGSM adversarial training costs beside other libraries: `make bench`.

.venv-bench/bin/python -m tests.benchmarks.epoch [busy]

The paper's MNIST net. An iteration attacks 128 images and trains on 256, 128 of them clean: ours through the
Trainer as mvm.train has it; torchattacks in a bare loop over the same mini-batches, on our net, whose weights lie
channels last, and on the same net with weights as torch makes them (-nchw); and ART's AdversarialTrainer, which attacks
half of each batch, on batches of 256. All have the box and fused Adam. Blocks of 10 iterations take
turns, together five epochs of 128 images a mini-batch of data=mnist5k; milliseconds are of one iteration.
"""

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable

import torch
from torch import nn

from mvm.classifiers.mnist import MNISTNet
from mvm.data.batches import batches
from mvm.data.mnist5k import MNIST5k
from mvm.risk import risk
from tests.benchmarks.steps import write
from tests.benchmarks.trainer import BLOCK, ETA, Turns, game_of, trainer_of
from tests.benchmarks.turns import begin, row
from tests.peers import Unit

Block = Callable[[], None]


def adam(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)


def torchattacks_block(data: MNIST5k, layout: torch.memory_format) -> Block:
    from torchattacks import FGSM

    net = MNISTNet().to(memory_format=layout)
    optimizer, attack = adam(net), FGSM(Unit(net), eps=ETA / 2)
    stream = batches(data.train.x, data.train.y, 128, 0)

    def block() -> None:
        for _ in range(BLOCK):
            x, y = next(stream)
            z = 2 * attack((x + 1) / 2, y) - 1
            optimizer.zero_grad()
            risk(net(torch.cat([x, z])), torch.cat([y, y])).backward()
            optimizer.step()

    return block


def art_block(data: MNIST5k) -> Block:
    from art.attacks.evasion import FastGradientMethod
    from art.defences.trainer import AdversarialTrainer
    from art.estimators.classification import PyTorchClassifier

    net = MNISTNet()
    estimator = PyTorchClassifier(
        net, nn.CrossEntropyLoss(), (1, 28, 28), 10, optimizer=adam(net), clip_values=(-1, 1), device_type="cpu"
    )
    trainer = AdversarialTrainer(estimator, FastGradientMethod(estimator, eps=ETA, batch_size=256), ratio=0.5)
    x, y = data.train.x[: 256 * BLOCK].numpy(), data.train.y[: 256 * BLOCK].numpy()

    def block() -> None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # its progress bar
            trainer.fit(x, y, batch_size=256, nb_epochs=1)

    return block


if __name__ == "__main__":
    timer, where = begin()
    logging.getLogger("art").setLevel(logging.WARNING)
    images = MNIST5k()
    images.setup()
    assert len(images.train.x) >= 256 * BLOCK
    game = game_of("adv_train", "game.examples=current", "classifier.width=1.0", "attack.box=true")
    loops = {
        "torchattacks": torchattacks_block(images, torch.channels_last),
        "torchattacks-nchw": torchattacks_block(images, torch.contiguous_format),
        "art": art_block(images),
    }
    turns = Turns(loops, timer)
    with tempfile.TemporaryDirectory() as folder:
        trainer_of(turns, folder).fit(game, datamodule=images)
    for peer in turns.others:
        write([row(f"mnist/fgsm-training:{peer}", turns.times["ours"][1:], turns.times[peer][1:], 0.95, where)])
