"""Inference of image-to-text models: sentences of images, and their probabilities."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from bench.networks.batch_runner import BatchRunner
from bench.networks.precision import set_precision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.parts.captioners.dialect import Dialect

Words = tuple[int, ...]
"""Tokens of a sentence, without prefix and end."""

PAIRS = 64
"""Pairs of image and sentence per batch."""


class ImageToText:
    """A model on a device.

    Args:
        model: A model of transformers; brought to float32, eval mode and the device. Its own
            settings of generation (penalties, lengths, bans) are ignored, since they change
            probabilities.
        tokenizer: Its tokenizer.
        processor: Its image processor.
        dialect: Its tokens and arguments.
        device: Its device.
        precision: Of the arithmetic (autocast); weights are float32.
        max_length: Maximum tokens of a sentence, without prefix and end.
        batch: Pairs of image and sentence per batch; halved if memory runs out.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        processor: Any,
        dialect: Dialect,
        *,
        device: str,
        precision: str,
        max_length: int,
        batch: int = PAIRS,
    ) -> None:
        from transformers import GenerationConfig

        self.model = model.float().eval().requires_grad_(False).to(device)
        self.tokenizer = tokenizer
        self.processor = processor
        self.dialect = dialect
        self.device = device
        self.precision = precision
        self.max_length = max_length
        self._scoring = BatchRunner(device, batch)
        self._seeing = BatchRunner(device, batch)
        self._searching = BatchRunner(device, batch)
        for part in (model, getattr(model, "text_decoder", None)):
            if part is not None and getattr(part, "generation_config", None) is not None:
                part.generation_config = GenerationConfig(
                    eos_token_id=dialect.end,
                    pad_token_id=dialect.pad,
                    bos_token_id=dialect.prefix[0],
                    decoder_start_token_id=dialect.prefix[0],
                )

    def see(self, images: NDArray[np.uint8]) -> tuple[Tensor, Tensor | None]:
        """Preprocess and encode images.

        Args:
            images: uint8 [n, S, S, 3].

        Returns:
            The model's input, float32 [n, 3, h, w] on the device; and the output of the image
            encoder [n, t, d], or None if its module is unknown.
        """
        pictures = [Image.fromarray(image) for image in images]
        pixels: Tensor = self.processor(images=pictures, return_tensors="pt")["pixel_values"]
        pixels = pixels.float().to(self.device)
        if not self.dialect.vision:
            return pixels, None
        vision = self.model.get_submodule(self.dialect.vision)

        def work(part: Tensor) -> Tensor:
            seen: Tensor = vision(part).last_hidden_state
            return seen

        with torch.inference_mode(), set_precision(self.device, self.precision):
            return pixels, torch.cat(self._seeing.run(work, pixels))

    def search(self, pixels: Tensor, n: int) -> list[Words]:
        """Return the n most likely sentences of each image by beam search, without length penalty.

        Args:
            pixels: As returned by `see` [m, 3, h, w].
            n: Sentences per image and width of the beam; 1 is greedy.

        Returns:
            m * n sentences, grouped by image, best first.
        """

        def work(part: Tensor) -> list[Words]:
            return self._generate(
                part,
                num_beams=n,
                num_return_sequences=n,
                do_sample=False,
                **({"length_penalty": 0.0, "early_stopping": False} if n > 1 else {}),
            )

        return [words for found in self._searching.run(work, pixels) for words in found]

    def sample(self, pixels: Tensor, n: int, seed: int) -> list[Words]:
        """Sample n sentences of one image [1, 3, h, w] from the model's distribution."""
        devices = [torch.device(self.device)] if self.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            return self._generate(
                pixels, do_sample=True, num_beams=1, num_return_sequences=n, top_k=0, top_p=1.0
            )

    def log_p(
        self, seen: tuple[Tensor, Tensor | None], sentences: Sequence[Words]
    ) -> NDArray[np.float64]:
        """Return log p of each sentence including its end, for each image.

        Args:
            seen: As returned by `see`, n images.
            sentences: C sentences.

        Returns:
            Natural logarithms, float64 [n, C].
        """
        pixels, features = seen
        prefix, end, pad = self.dialect.prefix, self.dialect.end, self.dialect.pad
        n, count = len(pixels), len(sentences)
        if not count:
            return np.zeros((n, 0))
        width = max(map(len, sentences)) + 1
        rows = [[*words, end, *[pad] * (width - len(words) - 1)] for words in sentences]
        targets = torch.tensor(rows, device=self.device)
        lengths = torch.tensor([len(words) + 1 for words in sentences], device=self.device)
        given = torch.tensor(prefix, device=self.device).expand(count, -1)
        inputs = torch.cat([given, targets[:, :-1]], dim=1)
        places = torch.arange(width, device=self.device)
        same = pixels[:1]  # with encoded images, only the number of pixels' rows matters

        def work(pairs: Tensor) -> Tensor:
            image, sentence = pairs // count, pairs % count
            with self._seen(features, image):
                shown = pixels[image] if features is None else same.expand(len(pairs), -1, -1, -1)
                found = self.model(pixel_values=shown, **{self.dialect.argument: inputs[sentence]})
            # Some models also give logits of the image tokens, before those of the text.
            logits = found.logits[:, -width:].float()
            chosen = logits.gather(2, targets[sentence][:, :, None])[:, :, 0]
            each = chosen - logits.logsumexp(dim=2)
            return torch.where(places < lengths[sentence][:, None], each, 0.0).double().sum(dim=1)

        with torch.inference_mode(), set_precision(self.device, self.precision):
            pairs = torch.arange(n * count, device=self.device)
            found = torch.cat(self._scoring.run(work, pairs))
        return found.reshape(n, count).cpu().numpy()

    def text(self, words: Words) -> str:
        """Decode a sentence, without special tokens."""
        return str(self.tokenizer.decode(list(words), skip_special_tokens=True))

    def _generate(self, pixels: Tensor, **options: Any) -> list[Words]:
        opening = torch.tensor(self.dialect.opening, device=self.device).repeat(len(pixels), 1)
        with torch.inference_mode(), set_precision(self.device, self.precision):
            found = self.model.generate(
                pixel_values=pixels,
                max_new_tokens=self.max_length + 1,
                **{self.dialect.argument: opening},
                **options,
            )
        begin = len(self.dialect.prefix)
        return [self._cut(row[begin:]) for row in found.tolist()]

    def _cut(self, tokens: Sequence[int]) -> Words:
        """Cut tokens at the end token, or at the maximum length."""
        words = list(tokens)
        if self.dialect.end in words:
            words = words[: words.index(self.dialect.end)]
        return tuple(words[: self.max_length])

    @contextmanager
    def _seen(self, features: Tensor | None, images: Tensor) -> Iterator[None]:
        """Replace the image encoder by its earlier output for these images."""
        if features is None:
            yield
            return
        from transformers.modeling_outputs import BaseModelOutput

        vision = self.model.get_submodule(self.dialect.vision)
        output = BaseModelOutput(last_hidden_state=features[images])
        vision.forward = lambda *_, **__: output
        try:
            yield
        finally:
            del vision.forward  # restores the method of the class
