"""Published names of sentence encoders, from their fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MPNET, MINILM = "all-mpnet-base-v2", "all-MiniLM-L6-v2"

_WEIGHTS = {
    # sha256 of the published weights files.
    "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658": MPNET,
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db": MINILM,
}


def judge_name(sentence: Mapping[str, Any]) -> str:
    """Return the name of a sentence encoder; "" for none.

    Args:
        sentence: Its fingerprint, as under `sentence` of a scores file.
    """
    weights = str(sentence.get("weights") or "")
    if weights.startswith("hub:"):
        owner, _, name = weights.removeprefix("hub:").rpartition("/")
        return name if owner in ("", "sentence-transformers") else f"{owner}/{name}"
    return _WEIGHTS.get(weights, weights[:8])
