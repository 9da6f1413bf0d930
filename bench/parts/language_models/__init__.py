"""Language models: what sums up captions in a name."""

from bench.parts.language_models.hugging_face import HuggingFaceLanguageModel
