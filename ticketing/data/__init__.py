"""Datasets: from an upload to canonical arrays, from those to the tensors a training reads, in a seeded order."""

from ticketing.data.canonical import Canonical, Summary, load_canonical
from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.data.preparation import prepare

__all__ = ["Canonical", "Dataset", "Order", "Summary", "load_canonical", "prepare"]
