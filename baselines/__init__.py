"""Neuron-labelling methods, one module each, over the contract in `baselines.base`."""
