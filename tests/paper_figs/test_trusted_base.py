"""The trusted base stays small, and rests on nothing outside itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import trusted_base


def test_no_part_grows_over_its_limit() -> None:
    for part, found in trusted_base.sizes().items():
        assert sum(found.values()) <= trusted_base.LIMITS[part], part


def test_code_lines_hold_code(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        '"""Two\n\nlines."""\n\n# none\nx = (\n    1,  # one\n\n    2,\n)\n\ndef f():\n    """No."""\n    return x\n'
    )
    assert trusted_base.code_lines(path) == 6


def test_the_trusted_base_rests_on_nothing_that_only_shows() -> None:
    shown = {f"bounds.proofs.{Path(name).stem}" for name in trusted_base.SHOWN}
    found = {
        (path.name, node.module)
        for paths in trusted_base.files().values()
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in shown
    }
    assert found == {("conclude.py", "bounds.proofs.naming")}
