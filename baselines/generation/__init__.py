"""Steps of Describe-and-Dissect: crops of images, prompts, and the choice among concepts.

Source: Bai et al., "Describe-and-Dissect: Interpreting Neurons in Vision Networks with Language
Models", TMLR 2025, arXiv:2403.13771.
"""
