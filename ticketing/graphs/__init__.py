"""A trained network as a graph that runs without its code: traced, stripped of where it was made, and checked.

Both kinds are exported by PyTorch. They hold the network in eval mode, its weights in fp32, any number of examples.
"""
