"""Winnow's client: send a model and a dataset, get back a ticket. Loads no torch and no server."""

from winnow.client import Client

__all__ = ["Client"]
