"""Model cards: Markdown with a head of `key: value` lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nucleate.core.errors import CheckpointError

CARD_NAME = "card.md"
CARD_KEYS = ("title", "data", "licence")
"""What the head of a shipped model's card has to say; `figures` may be added."""
_FENCE = "---"


@dataclass(frozen=True)
class Card:
    """A model card.

    Attributes:
        head: the `key: value` lines between two lines `---` at the top, if there are any.
        text: what follows them, Markdown.
    """

    head: Mapping[str, str]
    text: str

    def lacking(self) -> list[str]:
        """Keys that a shipped model's card needs and this one does not have."""
        return [key for key in CARD_KEYS if not self.head.get(key)]


def read_card(path: Path) -> Card:
    """Read a model card.

    Raises:
        CheckpointError: missing or not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such model card") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: not a readable model card ({error})") from None
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE or _FENCE not in lines[1:]:
        return Card({}, text)
    end = lines.index(_FENCE, 1)
    pairs = (line.partition(":") for line in lines[1:end])
    head = {key.strip(): value.strip() for key, colon, value in pairs if colon}
    return Card(head, "\n".join(lines[end + 1 :]).strip() + "\n")
