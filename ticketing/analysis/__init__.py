"""What trained networks are asked beyond their accuracy: connectivity, stability, kernels, paths, fit."""
