"""Whether a training suits the data it is to learn from and its own length; arithmetic alone, loads no torch."""

from collections.abc import Iterator

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.plans.learning_rates import warmup_of
from ticketing.recipe import Cosine, Iterative, OneCycle, SlimTarget, TicketRecipe, Training


def check_data(training: Training, *, shape: tuple[int, ...], classes: int) -> None:
    """Check that a dataset can be augmented and its labels made wrong as a training asks.

    Args:
        training: Of the recipe.
        shape: Of one example: (features,) or (channels, height, width).
        classes: Of the dataset.

    Raises:
        RecipeError: With one fault per field that does not suit it.
    """
    _refuse([*_augment_faults(training, shape), *_label_noise_faults(training, shape, classes)])


def check_schedule(training: Training, per_epoch: int) -> None:
    """Check that a schedule which falls to the end begins to fall before it.

    Raises:
        RecipeError: Its warm-up takes the whole training.
    """
    length = training.length.iterations(per_epoch)
    warmup = warmup_of(training.schedule, length=length, per_epoch=per_epoch)
    if isinstance(training.schedule, Cosine | OneCycle) and warmup >= length:
        detail = f"expected a warm-up of fewer than the {length} updates of the training, got {warmup}"
        _refuse([Fault("/recipe/training/schedule/warmup", "warmup_after_end", detail)])


def refuse_as_large_as_dense(inventory: Inventory, target: SlimTarget | None) -> None:
    """Refuse a target that the whole network is within.

    Raises:
        RecipeError: It has no more multiply-adds than are asked for.
    """
    asked = None if target is None else target.max_macs
    if asked is not None and asked >= inventory.multiply_adds:
        detail = f"expected fewer than the {inventory.multiply_adds} multiply-adds of the dense network, got {asked}"
        _refuse([Fault("/recipe/target/max_macs", "removes_nothing", detail)])


def warnings_of(recipe: TicketRecipe, inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Say what can be run and is seldom meant, as (code, detail)."""
    training, schedule = recipe.training, recipe.training.schedule
    if "flip" in training.augment and inventory.input_shape[0] == 1:
        detail = f"augment {training.augment} mirrors images of one channel: a mirrored digit or letter is another sign"
        yield "mirrored_grey_images", f"{detail}; crop leaves them upright"
    ends_at_zero = isinstance(schedule, OneCycle) or (isinstance(schedule, Cosine) and schedule.final_fraction == 0)
    if isinstance(recipe, Iterative) and recipe.rewind == "none" and ends_at_zero:
        detail = f"rewind none trains on at the last learning rate, and {schedule.name} ends next to 0"
        yield "trains_on_at_nothing", f"{detail}: levels will hardly change"


def _augment_faults(training: Training, shape: tuple[int, ...]) -> Iterator[Fault]:
    if training.augment != "none" and len(shape) != 3:
        detail = f"expected none for a dataset without images, got {training.augment}: one example is {list(shape)}"
        yield Fault("/recipe/training/augment", "needs_images", detail, ("none",))


def _label_noise_faults(training: Training, shape: tuple[int, ...], classes: int) -> Iterator[Fault]:
    noise = training.label_noise
    if noise is None:
        return
    if not shape:
        yield Fault(
            "/recipe/training/label_noise", "needs_classes", "expected none for text: its tokens are its labels"
        )
    if classes < 2:
        detail = f"expected two classes or more for wrong labels, got {classes}"
        yield Fault("/recipe/training/label_noise", "needs_classes", detail)
    unknown = sorted({*(noise.map or {}).keys(), *(noise.map or {}).values()} - set(range(classes)))
    if unknown:
        detail = f"expected classes from 0 to {classes - 1}, got {', '.join(map(str, unknown[:10]))}"
        yield Fault("/recipe/training/label_noise/map", "unknown_class", detail)


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)
