"""Features under masks: golden values, one pass over unique images, empty masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from baselines.captioning.pyramid import Pyramid, mask_weights
from tests.baselines.captioning.exemplars import ArrayExemplars, random_exemplars

SIZE = 12
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6),
        nn.Flatten(),
        nn.Linear(54, 2),
    )


def pyramid(layers=("0", "2")):
    return Pyramid(network(), layers, MEAN, STD, SIZE)


def pool_under_masks(features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sums of maps [B, C, h, w] with weights [B, h, w]: [B, C]."""
    return torch.einsum("bchw,bhw->bc", features, weights)


def test_golden_values() -> None:
    features = torch.arange(8.0).view(1, 2, 2, 2)
    mask = torch.zeros(1, 4, 4)
    mask[0, :2, :2] = 1
    mask[0, 0, 2] = 1
    weights = mask_weights(mask, (2, 2))
    torch.testing.assert_close(weights, torch.tensor([[[0.8, 0.2], [0.0, 0.0]]]))
    torch.testing.assert_close(pool_under_masks(features, weights), torch.tensor([[0.2, 4.2]]))


def test_an_empty_mask_has_no_weights_and_others_one() -> None:
    masks = torch.rand(5, 9, 9) > 0.6
    masks[2] = False
    weights = mask_weights(masks, (4, 5))
    torch.testing.assert_close(weights.sum(dim=(1, 2)), torch.tensor([1.0, 1, 0, 1, 1]))
    assert not weights[2].any()


def test_maps_are_those_of_the_layers_before_a_relu_in_place() -> None:
    module, images = network().eval(), random_exemplars(SIZE).pool[:3]
    found = pyramid().features(images)
    values = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    values = (values - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        first = module[0](values)
        second = module[2](first.relu())
    torch.testing.assert_close(found[0], first)
    torch.testing.assert_close(found[1], second)
    assert pyramid().sizes == ((4, 6, 6), (6, 3, 3))
    assert pyramid().feature_size == 10


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_features_equal_those_of_each_exemplar_alone(batch_size: int) -> None:
    exemplars, whole = random_exemplars(SIZE), pyramid()
    units = [4, 0, 3]
    found = whole.masked_features(exemplars, units, batch_size=batch_size)
    assert found.shape == (3, 5, 10)
    assert found.dtype == torch.float32
    for row, unit in enumerate(units):
        masks = torch.from_numpy(exemplars.masks(unit))
        for k, image in enumerate(exemplars.ids[unit]):
            maps = whole.features(exemplars.pool[image : image + 1])
            alone = [
                pool_under_masks(one, mask_weights(masks[k : k + 1], one.shape[2:]))[0]
                for one in maps
            ]
            torch.testing.assert_close(found[row, k], torch.cat(alone))
    assert not found[0, 1].any()  # an empty mask
    assert found[0, 0].any()


def test_the_network_sees_each_image_once_and_each_mask_is_asked_for_once() -> None:
    exemplars = random_exemplars(SIZE)
    pyramid().masked_features(exemplars, [0, 1, 2, 4], batch_size=2)
    wanted = np.unique(exemplars.ids[[0, 1, 2, 4]]).tolist()
    assert exemplars.images_seen == wanted
    assert exemplars.masks_seen == [0, 1, 2, 4]


def test_order_of_units_and_none() -> None:
    exemplars, whole = random_exemplars(SIZE), pyramid()
    found = whole.masked_features(exemplars, [0, 1, 2, 3])
    moved = whole.masked_features(exemplars, [2, 0, 3, 1], batch_size=2)
    torch.testing.assert_close(moved, found[[2, 0, 3, 1]])
    assert whole.masked_features(exemplars, []).shape == (0, 5, 10)


def test_features_may_train_a_decoder() -> None:
    found = pyramid().masked_features(random_exemplars(SIZE), [0, 1])
    nn.Linear(10, 1)(found).sum().backward()
    assert not any(weight.requires_grad for weight in pyramid().parameters())
    assert not pyramid().train().module.training


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no such layer: nine"):
        pyramid(("0", "nine"))
    with pytest.raises(ValueError, match="layer 5 has no maps"):
        pyramid(("5",))
    with pytest.raises(ValueError, match="none is named"):
        pyramid(())
    exemplars = random_exemplars(SIZE)
    with pytest.raises(ValueError, match="dead"):
        pyramid().masked_features(exemplars, [5])
    with pytest.raises(ValueError, match="8 pixels, not 12"):
        pyramid().masked_features(random_exemplars(8), [0])
    with pytest.raises(ValueError, match="12, 12, 3"):
        pyramid().features(np.zeros((1, 8, 8, 3), np.uint8))
    assert isinstance(exemplars, ArrayExemplars)
