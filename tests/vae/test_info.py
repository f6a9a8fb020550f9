"""`model.json` of a trained model's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.core.errors import CheckpointError
from nucleate.vae.info import INFO_NAME, read_info


def test_info_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / INFO_NAME).write_text('{"parameters": 3}')
    assert read_info(tmp_path) == {"parameters": 3}


@pytest.mark.parametrize("content", [None, "{", ""])
def test_a_folder_without_it_or_a_damaged_one_is_no_model(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / INFO_NAME).write_text(content)
    with pytest.raises(CheckpointError, match=INFO_NAME):
        read_info(tmp_path)
