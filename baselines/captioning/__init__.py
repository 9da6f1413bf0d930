"""Sentences for units, in the manner of MILAN (Hernandez et al., ICLR 2022).

Features of a unit's exemplars under their masks (`pyramid`), an attention decoder (`decoder`) and a
language model (`language_model`), searches for sentences (`search`), and the whole as a captioner
(`trained`) that one file holds (`model_file`). Importing this package imports no torch.
"""
