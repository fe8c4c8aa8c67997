"""The contact sheet: items to label on one HTML page, without who predicted what, which writes its answers as CSV."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bounds.data.base import Source
from bounds.data.class_names import Names
from bounds.duels.panel import Rows
from bounds.errors import InvalidData
from bounds.representations.inputs import open_source

_FEW = 40  # classes that are shown as a list of choices


def sheet(
    rows: Rows,
    position: int,
    images: Any,
    paths: Sequence[str] | Mapping[int, str] | None,
    class_names: Names | None,
    unsure: str,
) -> str:
    """The page.

    Args:
        rows: Items, in order.
        position: Of the first.
        images: All N images, or None.
        paths: By item, or None.
        class_names: What may be answered, or None for class numbers.
        unsure: The answer of one who cannot tell.

    Raises:
        InvalidData: data that are no images, or hold fewer items.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    source = None
    if images is not None:
        source = images if isinstance(images, Source) else open_source(images, name="images")
        if source.kind != "images":
            raise InvalidData("`images` holds vectors, which nobody can label by sight; give the images.")
        if source.count is not None and len(rows) and source.count <= int(rows.max()):
            raise InvalidData(f"`images` has {source.count} items, but item {int(rows.max())} is asked for.")
    items = [
        {
            "position": position + at,
            "item": row,
            "path": "" if paths is None else paths[row],
            "image": None if source is None else _image(source, row),
        }
        for at, row in enumerate(rows.tolist())
    ]
    page = Environment(
        loader=PackageLoader("bounds.duels"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    ).get_template("sheet.html.j2")
    return page.render(
        items=items, classes=list(class_names or ()), few=0 < len(class_names or ()) <= _FEW, unsure=unsure
    )


def _image(source: Source, row: int) -> str:
    """A PNG file as a data address."""
    from PIL import Image

    (batch,) = source.batches(1, start=row, stop=row + 1)
    pixels: Tensor = batch.views[0][0]
    if pixels.dtype != torch.uint8:
        pixels = (pixels.float().clamp(0, 1) * 255).round().to(torch.uint8)
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    stream = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(stream, format="PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
