"""Channels: what of a network can only go together, found by running it once without memory.

A channel is a set of indices along axes of the network's tensors: the filter that makes it, its bias and its norm's
entries, and what later layers read of it. Around a shortcut, what is summed is one channel. A head of attention is one.
"""

from ticketing.channels.channels import Channels, Kept, channels_of

__all__ = ["Channels", "Kept", "channels_of"]
