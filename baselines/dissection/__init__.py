"""Arithmetic of Network Dissection and related methods: thresholds, up-sampling, tallies, rules.

Maps and masks are streamed image by image, so that memory does not grow with the number of images.
Up-sampling is defined to the last bit (`baselines.dissection.upsample`), so that compiled loops,
torch on a CPU and torch on a GPU count the same pixels.
"""
