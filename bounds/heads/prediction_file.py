"""Predictions of a whole data set as a parquet file, part by part, resumable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounds.errors import InvalidOption
from bounds.files import whole_file

if TYPE_CHECKING:
    from bounds.heads.predictor import Predictor


def predict_to_file(
    predictor: Predictor,
    data: Any,
    out: str | os.PathLike[str],
    *,
    batch_size: int = 256,
    device: str | None = None,
    progress: bool = False,
) -> int:
    """Write row, label, class, answered, (top,) scores of each item; returns the number of rows.

    Representations are kept in `<out>.representations` until the file is there: an interrupted run goes on from the last
    whole shard. The file appears whole or not at all.

    Raises:
        InvalidOption: another ending than .parquet, or a folder that is not there.
        InvalidInput, InvalidData: data that the predictor cannot take.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    out = Path(out)
    if out.suffix != ".parquet" or not out.parent.is_dir():
        raise InvalidOption(f"`out` must be a .parquet file in a folder that exists, got {out}.")
    kept = out.with_name(out.name + ".representations")
    rows = 0
    with whole_file(out) as part:
        writer = None
        try:
            for found in predictor.stream(
                data, batch_size=batch_size, device=device, progress=progress, save=kept
            ):
                table = pyarrow.Table.from_pandas(found.to_frame(), preserve_index=False)
                if writer is None:
                    note = {b"bounds.classes": "\n".join(found.class_names).encode()}
                    schema = table.schema
                    at = schema.get_field_index("class")
                    schema = schema.set(
                        at, pyarrow.field("class", pyarrow.string())
                    )  # a first part may answer nothing
                    writer = parquet.ParquetWriter(part, schema.with_metadata(note))
                writer.write_table(table.cast(writer.schema))
                rows += len(found)
        finally:
            if writer is not None:
                writer.close()
    shutil.rmtree(kept, ignore_errors=True)
    return rows
