"""From canonical tokens to the windows a training reads: roles of the splits, cut into contexts, on the device."""

from typing import Literal

import torch
from torch import Tensor

from ticketing.data.canonical import Canonical
from ticketing.data.dataset import Dataset
from ticketing.splits import validation_size, windows


def prepare_tokens(
    canonical: Canonical, *, weights: Literal["initial", "trained"], device: torch.device | str, context: int
) -> Dataset:
    """Cut every split into windows of `context` tokens, each with the tokens that follow its own as answers.

    Windows lie end to end and share no answer: an epoch asks for every token of train once, and every token of a
    split that is evaluated counts once. The tokens that are left over at the end of a split are not used.

    A validation split that the dataset brings is used as it is. Otherwise the last twelfth of train's tokens becomes
    it, or, for a model that came trained (and so has seen train), the first half of test's. Nothing is drawn: windows
    taken out of the middle would have both neighbours in train.

    Args:
        canonical: The dataset, of tokens.
        weights: Which moment the model's weights are of.
        device: Where the tensors are to be.
        context: Tokens of a window.

    Raises:
        DataError: A split is shorter than one window and its last answer.
    """
    train, test = canonical.arrays["tokens_train"], canonical.arrays["tokens_test"]
    notes: tuple[str, ...] = ()
    if "validation" in canonical.summary.splits:
        validation = canonical.arrays["tokens_validation"]
    elif weights == "trained":
        validation, test = test[: len(test) // 2], test[len(test) // 2 :]
        notes = (
            f"The model came trained and the dataset has no validation split: the first {len(validation)} of its test "
            f"tokens serve as validation and {len(test)} are left as test.",
        )
    else:
        end = len(train) - validation_size(len(train))
        train, validation = train[:end], train[end:]
    arrays: dict[str, Tensor] = {}
    for name, tokens in {"train": train, "validation": validation, "test": test}.items():
        used = windows(name, len(tokens), context) * context
        placed = tokens[: used + 1].to(device, torch.int64)
        arrays |= {f"x_{name}": placed[:-1].view(-1, context), f"y_{name}": placed[1:].view(-1, context)}
    summary = canonical.summary
    return Dataset(
        **arrays,
        classes=summary.classes,
        name=summary.name,
        fingerprint=summary.fingerprint,
        mean=(),
        std=(),
        labels_changed=0,
        notes=notes,
    )
