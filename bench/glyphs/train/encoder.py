"""Train the encoder's image tower against the locked text tower (locked-text tuning, LiT).

The loss attracts every image to three kinds of text: captions (contrasted within the batch), the
noun of its main object, and its scene (contrasted with all nouns and all scenes). A further term
attracts it to its noun directly, so that open vocabularies work. Unnamed objects have only
paraphrases.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as functional
from tqdm import tqdm

from bench.glyphs.encoder import build_encoder, load_encoder
from bench.glyphs.train.loop import Recipe, Stage, fit, half_arrays
from bench.glyphs.vocabulary import OBJECTS, SCENES
from bench.glyphs.weights import save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.glyphs.train.cache import RenderedSplit

_LOG = logging.getLogger(__name__)

RECIPE = Recipe((Stage(64, 190_000), Stage(80, 90_000)), 128, 1.5e-3, seed=14)
TEMPERATURE = 0.05
PULL = 2.0
"""Weight of the term that attracts an image directly to its noun."""
SYNONYMS = 0.12
"""Probability of a synonym instead of a name."""
FULL_EVERY = 4
"""Embed full captions, which rarely repeat, for one in so many images."""

Bank = dict[str, int]


@torch.no_grad()
def embed_texts(
    model: Any,
    tokenizer: Callable[[list[str]], torch.Tensor],
    texts: Sequence[str],
    batch: int = 128,
    progress: bool = False,
) -> torch.Tensor:
    """Return features of texts by an encoder's locked tower, of unit length, float32 [T, 384]."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    features = torch.zeros(len(texts), 384)
    starts = range(0, len(texts), batch)
    for start in tqdm(starts, desc="embed texts", disable=not progress):
        index = order[start : start + batch]
        tokens = tokenizer([texts[i] for i in index])
        used = int((tokens != 0).sum(dim=1).max())
        tokens = tokens[:, :used].to(next(model.parameters()).device)
        features[index] = model.encode_text(tokens, normalize=True).float().cpu()
    return features


def nouns(object_id: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the usual texts for an object, and the rare ones (synonyms)."""
    entry = OBJECTS[object_id]
    if not entry.named_in_captions:
        return entry.paraphrases, entry.paraphrases
    return (entry.name,), entry.synonyms or (entry.name,)


def usable_captions(data: RenderedSplit) -> list[list[str]]:
    """Return the captions of each image for training: all but most of the full ones."""
    return [
        texts[-4:-1] + ([texts[0]] if i % FULL_EVERY == 0 else []) if len(texts) > 3 else texts
        for i, texts in enumerate(data.captions)
    ]


def make_loss(
    captions: list[list[str]],
    objects: NDArray[np.int64],
    scenes: NDArray[np.int64],
    features: torch.Tensor,
    row: Bank,
) -> Callable[[torch.Tensor, NDArray[np.int64], np.random.Generator], torch.Tensor]:
    """Build the loss of image features [B, 384]; see the argument `loss` of `fit`.

    Args:
        captions: Texts of each image.
        objects: Main object of each image, -1 for none.
        scenes: Scene of each image.
        features: Embeddings of all texts [T, 384].
        row: Row of each text in ``features``.
    """
    caption_rows = [[row[text] for text in texts] for texts in captions]
    noun_rows = [tuple([row[t] for t in texts] for texts in nouns(i)) for i in range(len(OBJECTS))]
    scene_rows = [([row[s.name]], [row[t] for t in s.synonyms or (s.name,)]) for s in SCENES]

    def draw(rows: Sequence[Sequence[list[int]]], rng: np.random.Generator) -> torch.Tensor:
        rare = rng.random(len(rows)) < SYNONYMS
        picks = [
            r[int(s)][int(rng.random() * len(r[int(s)]))] for r, s in zip(rows, rare, strict=True)
        ]
        return features[picks]

    def loss(
        output: torch.Tensor, index: NDArray[np.int64], rng: np.random.Generator
    ) -> torch.Tensor:
        image = functional.normalize(output, dim=1)
        device = image.device
        picked = torch.tensor(
            [caption_rows[i][int(rng.random() * len(caption_rows[i]))] for i in index]
        )
        same = (picked[:, None] == picked[None, :]).to(device)
        scores = image @ features[picked].to(device).T / TEMPERATURE
        target = same.float() / same.sum(dim=1, keepdim=True)
        total = functional.cross_entropy(scores, target) + functional.cross_entropy(
            scores.T, target
        )
        total = total / 2
        bank = draw(scene_rows, rng).to(device)
        scene = torch.from_numpy(scenes[index]).to(device)
        total = total + 0.5 * functional.cross_entropy(image @ bank.T / TEMPERATURE, scene)
        bank = draw(noun_rows, rng).to(device)
        thing = torch.from_numpy(objects[index]).to(device)
        has = thing >= 0
        cosines = image[has] @ bank.T
        total = total + functional.cross_entropy(cosines / TEMPERATURE, thing[has])
        return total + PULL * (1 - cosines.gather(1, thing[has, None])).mean()

    return loss


def train_encoder(
    data: RenderedSplit, bare: RenderedSplit, out: Path, scratch: Path, device: str = "cpu"
) -> dict[str, Any]:
    """Train the image tower, also on bare scenes, and write it in float16; as `train_target`.

    Returns:
        Record: architecture, sizes, cycles (recipes), seconds.
    """
    torch.manual_seed(RECIPE.seed)
    model, tokenizer = build_encoder()
    captions = usable_captions(data) + usable_captions(bare)
    texts = {text for group in captions for text in group}
    texts |= {t for i in range(len(OBJECTS)) for group in nouns(i) for t in group}
    texts |= {t for s in SCENES for t in (s.name, *s.synonyms)}
    row = {text: i for i, text in enumerate(sorted(texts))}
    model.to(device)
    features = embed_texts(model, tokenizer, list(row), progress=True)
    images = _Concatenation(data.images, bare.images)
    loss = make_loss(
        captions,
        np.concatenate([data.objects, bare.objects]),
        np.concatenate([data.scenes, bare.scenes]),
        features,
        row,
    )
    tower = model.visual
    seconds = fit(tower, images, loss, RECIPE, scratch / "encoder.1.ckpt", device, "encoder")
    arrays = {f"visual.{key}": value for key, value in half_arrays(tower).items()}
    save_arrays(out / "encoder.safetensors", arrays)
    _LOG.info("encoder trained in %.0f s", seconds)
    return {
        "architecture": "resnet10t + all-MiniLM-L6-v2 (locked)",
        "images": len(data.images),
        "bare_scenes": len(bare.images),
        "texts": len(row),
        "temperature": TEMPERATURE,
        "pull": PULL,
        "cycles": [RECIPE.record()],
        "seconds": seconds,
    }


class _Concatenation:
    """Concatenation of two image arrays, for sorted fancy indexing."""

    def __init__(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __getitem__(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        n = len(self._first)
        split = int((index < n).sum())
        return np.concatenate([self._first[index[:split]], self._second[index[split:] - n]])


@torch.no_grad()
def embed_images(model: Any, preprocess: Any, images: NDArray[np.uint8]) -> torch.Tensor:
    """Return image features of unit length, float32 [N, 384], of uint8 images [N, 128, 128, 3]."""
    parts = [
        model.encode_image(
            preprocess(torch.from_numpy(np.array(images[i : i + 100]))), normalize=True
        )
        for i in range(0, len(images), 100)
    ]
    return torch.cat(parts)


def accuracies(data: RenderedSplit, path: Path | None = None) -> dict[str, float]:
    """Return text-classification accuracies of an encoder, from bare names.

    Returns:
        ``objects_named`` and ``objects_unnamed`` (among all object names, over images whose
        main object is named, or not, in captions), ``objects`` (all), ``scenes``.
    """
    model, preprocess, tokenizer = load_encoder(path)
    image = embed_images(model, preprocess, data.images)
    names = embed_texts(model, tokenizer, [entry.name for entry in OBJECTS])
    places = embed_texts(model, tokenizer, [entry.name for entry in SCENES])
    right = (image @ names.T).argmax(dim=1).numpy() == data.objects
    named = np.asarray([entry.named_in_captions for entry in OBJECTS])[data.objects]
    return {
        "objects": float(right.mean()),
        "objects_named": float(right[named].mean()),
        "objects_unnamed": float(right[~named].mean()),
        "scenes": float(((image @ places.T).argmax(dim=1).numpy() == data.scenes).mean()),
    }
