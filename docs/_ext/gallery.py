"""Every figure with the code that makes it."""

from __future__ import annotations

import ast
import importlib.util
import io
import sys
from pathlib import Path

from PIL import Image
from written import plain, replace

WIDTH, THUMB = 1400, 400


def write(scripts: Path, figures: Path, folder: Path) -> None:
    """A page for each figure of `regenerate.py`, and one with all of them."""
    made: dict[str, str | bytes] = {}
    cards = []
    for name, title in _figures(scripts).items():
        script = scripts / f"{name}.py"
        pictures = sorted(figures.glob(f"{name}.png")) or sorted(figures.glob(f"{name}_*.png"))
        for picture in pictures:
            made[picture.name] = _scaled(picture, WIDTH)
        made[f"{name}.md"] = _page(name, title, script, [picture.name for picture in pictures])
        if pictures:
            made[f"thumb_{name}.png"] = _scaled(pictures[0], THUMB)
        image = f":img-top: thumb_{name}.png\n:img-alt: {title}\n" if pictures else ""
        cards.append(
            f":::{{grid-item-card}} {title[0].upper()}{title[1:]}\n:link: {name}\n:link-type: doc\n{image}:::\n"
        )
    grid = "\n".join(cards)
    hidden = "\n".join(_figures(scripts))
    made["index.md"] = (
        "# Gallery\n\nEvery figure with the code that makes it, drawn here from small inputs "
        "(`python paper_figs/regenerate.py --quick`).\n\n"
        f"::::{{grid}} 1 2 3 3\n:gutter: 3\n\n{grid}\n::::\n\n```{{toctree}}\n:hidden:\n\n{hidden}\n```\n"
    )
    replace(folder, made)


def _figures(scripts: Path) -> dict[str, str]:
    sys.path.insert(0, str(scripts))
    try:
        spec = importlib.util.spec_from_file_location("regenerate", scripts / "regenerate.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(scripts / "regenerate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(scripts))
    found: dict[str, str] = module.FIGURES
    return found


def _page(name: str, title: str, script: Path, pictures: list[str]) -> str:
    code = script.read_text("utf-8")
    said = (ast.get_docstring(ast.parse(code)) or "").split("\n    python ")[0]
    images = "\n\n".join(f"```{{image}} {picture}\n:alt: {title}\n```" for picture in pictures)
    return (
        f"# {title[0].upper()}{title[1:]}\n\n{plain(said)}\n\n{images}\n\n"
        f"```bash\npython paper_figs/{name}.py --quick --out figures\n```\n\n"
        f"## Code\n\n`paper_figs/{name}.py`\n\n````python\n{code}\n````\n"
    )


def _scaled(picture: Path, width: int) -> bytes:
    with Image.open(picture) as image:
        small = image.convert("RGB")
        if small.width > width:
            small = small.resize((width, round(small.height * width / small.width)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
