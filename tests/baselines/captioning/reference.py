"""The decoder's and the searches' formulas in plain float64 loops, one sentence at a time.

Nothing is kept from one step for another: keys are projected anew, features looked at one by one.
"""

from __future__ import annotations

import math

import numpy as np

MAX_LENGTH = 15


def arrays(module):
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log_softmax(x):
    shifted = x - x.max()
    return shifted - math.log(sum(math.exp(value) for value in shifted))


def lstm(p, prefix, suffix, x, h, c):
    gates = (
        p[f"{prefix}weight_ih{suffix}"] @ x + p[f"{prefix}bias_ih{suffix}"]
        + p[f"{prefix}weight_hh{suffix}"] @ h + p[f"{prefix}bias_hh{suffix}"]
    )  # fmt: skip
    size = len(h)
    i, f, g, o = (gates[n * size : (n + 1) * size] for n in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def decoder_steps(p, features, said):
    """log p of the token after start and each of `said`, and alpha of each step."""
    start = len(p["output.bias"]) - 4
    mean = sum(features) / len(features)
    h = np.tanh(p["init_h.weight"] @ mean + p["init_h.bias"])
    c = np.tanh(p["init_c.weight"] @ mean + p["init_c.bias"])
    found, alphas = [], []
    for token in (start, *said):
        query = p["query.weight"] @ h + p["query.bias"]
        energy = []
        for v in features:
            key = p["key.weight"] @ v + p["key.bias"]
            energy.append(float(p["attention.weight"][0] @ np.tanh(query + key)))
        alpha = np.exp(log_softmax(np.array(energy)))
        context = sum(a * v for a, v in zip(alpha, features, strict=True))
        gate = sigmoid(p["gate.weight"] @ h + p["gate.bias"])
        x = np.concatenate([p["embedding.weight"][token], gate * context])
        h, c = lstm(p, "lstm.", "", x, h, c)
        found.append(log_softmax(p["output.weight"] @ h + p["output.bias"]))
        alphas.append(alpha)
    return found, alphas


def prior_steps(p, said):
    start = len(p["output.bias"]) - 4
    layers = sum(name.startswith("lstm.weight_ih") for name in p)
    size = p["lstm.weight_hh_l0"].shape[1]
    states = [(np.zeros(size), np.zeros(size)) for _ in range(layers)]
    found = []
    for token in (start, *said):
        x = p["embedding.weight"][token]
        for layer in range(layers):
            states[layer] = lstm(p, "lstm.", f"_l{layer}", x, *states[layer])
            x = states[layer][0]
        found.append(log_softmax(p["output.weight"] @ x + p["output.bias"]))
    return found


def sum_log_p(steps, said):
    return float(sum(step[token] for step, token in zip(steps, said, strict=False)))


def beam(p, features, width, prior=None, weight=0.0, max_length=MAX_LENGTH):
    """[(score, tokens up to the stop)] by falling score."""
    size = len(p["output.bias"])
    stop, silent = size - 3, {size - 4, size - 2, size - 1}
    kept = [(0.0, ())]
    for _ in range(max_length):
        pool = []
        for rank, (score, said) in enumerate(kept):
            if said and said[-1] == stop:
                pool.append((-score, rank, 0, said))
                continue
            gains = decoder_steps(p, features, said)[0][-1]
            if weight:
                gains = gains - weight * prior_steps(prior, said)[-1]
            own = [
                (-(score + gains[token]), rank, token, (*said, token))
                for token in range(size)
                if token not in silent
            ]
            pool += sorted(own)[:width]
        kept = [(-negative, said) for negative, _, _, said in sorted(pool)[:width]]
    return kept


def rerank(p, features, width, prior, weight):
    found = []
    for score, said in beam(p, features, width):
        found.append((score - weight * sum_log_p(prior_steps(prior, said), said), score, said))
    return sorted(found, key=lambda row: -row[0])
