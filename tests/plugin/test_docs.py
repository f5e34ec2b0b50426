"""The page for those who write checks shows the example as it is, and the whole test kit."""

from __future__ import annotations

import re

import pytest

from gatekeeper import testing
from tests.plugin.conftest import EXAMPLE, ROOT

PAGE = (ROOT / "docs" / "writing-a-check.md").read_text("utf-8")
SHOWN = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", SHOWN, ids=range(len(SHOWN)))
def test_code_of_the_page_stands_in_the_example(code: str) -> None:
    files = [*EXAMPLE.rglob("*.py"), EXAMPLE / "pyproject.toml"]

    assert any(code in file.read_text("utf-8") for file in files)


@pytest.mark.parametrize("name", testing.__all__)
def test_the_page_names_all_of_the_test_kit(name: str) -> None:
    assert re.search(rf"`{name}\b", PAGE.partition("## The test kit")[2])
