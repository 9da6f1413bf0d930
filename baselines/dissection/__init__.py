"""The arithmetic of Network Dissection and its kin: thresholds, up-sampling, tallies, rules.

Everything streams: a layer's maps and the images' masks are gone through image by image, in memory
that does not grow with their number. Where a threshold is compared, the arithmetic is fixed to the
last bit (`baselines.dissection.upsample`), so that compiled loops, torch on a CPU and torch on a
GPU count the same pixels.
"""
