"""Six images, three texts and two units with values computed by the authors' code."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

IMAGES = normalize(
    torch.tensor(
        [[0.9, 0.1, 0.2], [0.8, 0.3, 0.1], [0.1, 0.9, 0.2],
         [0.2, 0.8, 0.3], [0.3, 0.2, 0.9], [0.7, 0.2, 0.6]]
    )
)  # fmt: skip
TEXTS = normalize(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0.2, 0.1, 1]]))
ACTIVATIONS = torch.tensor([[3, 0.1], [2.5, 0.4], [0.2, 2], [0.6, 1.8], [1, 0.9], [0.4, 1.1]])
