"""Whether what is scored was kept apart from what was chosen by: E27."""

from torch import Tensor

from mvm.audit.checks.verdict import Check, judge


def apart(chosen_on: Tensor, test: Tensor) -> Check:
    """E27: the validation images, by which candidates and checkpoints are chosen, are not those that are scored.

    Fails where more than one in a hundred test images is a validation image, bit for bit: data sets have a few
    doubles. Images (N, ...).
    """
    seen = {image.tobytes() for image in chosen_on.cpu().contiguous().numpy()}
    shared = sum(image.tobytes() in seen for image in test.cpu().contiguous().numpy())
    text = "test images among those by which candidates are chosen"
    return judge("E27", shared > len(test) / 100, text, shared=shared, n=len(test))
