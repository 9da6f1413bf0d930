"""The decoder's section of the model card."""

from __future__ import annotations

from typing import Any

_WAYS = (
    ("greedy", "p(d \\| E), greedy"),
    ("beam", "p(d \\| E), beam of 50"),
    ("pmi", "PMI, beam of 50, lambda 0.2"),
)
_GROUPS = ("", "final seen", "final unseen", "hidden seen", "hidden unseen")


def milan_lines(part: dict[str, Any]) -> list[str]:
    """Return the decoder's section of the card, as lines of Markdown.

    Args:
        part: Its record.
    """
    machine, samples = part["hardware"], part["samples"]
    named = {
        source["name"]: f"{source['name']} (top-1 {100 * source['accuracy']:.1f} %)"
        for source in part["sources"]
    }
    trained = [named[source["name"]] for source in part["sources"] if not source["held_out"]]
    held = [named[source["name"]] for source in part["sources"] if source["held_out"]]
    decoder, language = part["schedules"]["decoder"], part["schedules"]["language"]
    return [
        f"- Architecture: {part['architecture']}; vocabulary of {part['vocabulary']} tokens",
        (
            f"- Looks through the image tower of `{part['looks_through']['file']}` (sha256 "
            f"`{part['looks_through']['sha256'][:16]}`), under the masks of "
            f"{part['exemplars']['top_k']} exemplars"
        ),
        (
            f"- Trained on the units of {', '.join(trained)}: {samples['train']:,} sets of "
            f"exemplars (hidden layers on {part['hidden_layers']['blocks']} blocks of "
            f"{part['hidden_layers']['images']:,} images of the split `annotate`, final layers on "
            f"{part['final_layers']['draws']} draws of {part['final_layers']['images']:,}), "
            f"{samples['val']:,} more to stop by, three descriptions each, written from "
            "exact masks by the procedure of `bench/glyphs/findings.py` and "
            "`bench/glyphs/annotations.py`. No target of the embedded world is among them, and no "
            "description names an object that captions do not name"
        ),
        (
            f"- Decoder: batch {decoder['batch']}, rate {decoder['rate']}, seed "
            f"{decoder['seed']}, best epoch {part['best_epoch']['decoder']} by BLEU; language "
            f"model: batch {language['batch']}, best epoch {part['best_epoch']['language']} by loss"
        ),
        (
            f"- Training took {part['seconds'] / 60:.0f} minutes, annotating included and the "
            f"sources left out, on {machine['processor']} ({machine['device']}, "
            f"{machine['threads']} thread(s), shared with other work; torch "
            f"{machine['versions']['torch']})"
        ),
        *_table(part, held),
    ]


def _table(part: dict[str, Any], held: list[str]) -> list[str]:
    accuracy = part["accuracy"]
    groups = [g for g in _GROUPS if f"bleu_greedy{_behind(g)}" in accuracy]
    rows = []
    for way, title in _WAYS:
        cells = [
            f"{100 * accuracy[f'bleu_{way}{_behind(g)}']:.1f} / "
            f"{accuracy[f'cosine_{way}{_behind(g)}']:.3f}"
            for g in groups
        ]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    heads = " | ".join(group or "all" for group in groups)
    return [
        "",
        (
            f"Measured on the units of {', '.join(held)}, an architecture and a seed that it never "
            f"saw ({part['validation_images']:,} sets of exemplars): corpus BLEU / mean MiniLM "
            "cosine with the nearest of a unit's three descriptions. The best constant sentence "
            f"has a cosine of {accuracy['cosine_constant']:.3f}. Unseen: units whose common object "
            "no caption names."
        ),
        "",
        f"| decoding | {heads} |",
        f"| :-- |{' --: |' * len(groups)}",
        *rows,
    ]


def _behind(group: str) -> str:
    return f" [{group}]" if group else ""
