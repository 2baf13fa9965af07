"""What a network is asked of an example: one class of the whole, or at every token the next one; knows no data."""

from typing import Literal

Task = Literal["classification", "next_token"]

DATA_OF: dict[Task, str] = {"classification": "examples with classes", "next_token": "text as tokens"}
"""What a dataset of each holds."""
CLASSES_OF: dict[Task, str] = {"classification": "classes", "next_token": "tokens in the vocabulary"}
"""What the outputs stand for."""
