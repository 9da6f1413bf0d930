"""Sentences for units as in MILAN (Hernandez et al., ICLR 2022).

Features of a unit's exemplars under their masks (`pyramid`), an attention decoder (`decoder`), a
language model (`language_model`), searches for sentences (`search`), and the captioner of these
parts (`trained`) with its file format (`model_file`). Importing this package does not import torch.
"""
