"""Maps and masks in memory."""

from __future__ import annotations

import numpy as np
import torch

from baselines.spatial import ImageMasks, MaskLabel


class ArrayMaps:
    def __init__(self, values, batch=3):
        self.values = torch.as_tensor(np.asarray(values), dtype=torch.float32)
        self.batch = batch

    @property
    def n_images(self):
        return len(self.values)

    @property
    def n_units(self):
        return self.values.shape[1]

    @property
    def map_size(self):
        return self.values.shape[2], self.values.shape[3]

    def batches(self):
        yield from self.values.split(self.batch)


class ListMasks:
    """Masks from (planes, scalars) pairs and (name, category) pairs."""

    def __init__(self, images, labels, categories, size):
        self.images = [
            ImageMasks(np.array(planes, dtype=np.int32).reshape(-1, *size), tuple(scalars))
            for planes, scalars in images
        ]
        self.labels = tuple(MaskLabel(*label) for label in labels)
        self.categories = tuple(categories)
        self.mask_size = size

    def __len__(self):
        return len(self.images)

    def image(self, index):
        return self.images[index]
