"""Steps of FALCON: images of high and low activation, and the words that tell them apart.

Source: Kalibhat et al., "Identifying Interpretable Subspaces in Image Representations", ICML 2023,
arXiv:2307.10504.
"""
