"""Tables in long form as `.parquet`; one that is larger than memory is written to the cache as an array first."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw3models.data.raw import Raw
from hw3models.data.readers.unlabelled import table_examples
from hw3models.data.source import GROUP_COLUMN, file_source, path_of
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

# pandas and pyarrow cost a second to import; other formats do without them.


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    from hw3models.data.readers.table_limits import is_large
    from hw3models.data.readers.tables import read_table

    path = Path(report.files[0])  # a table of labels may be another one
    if is_large(path):
        from hw3models.data.readers.large_tables import read_large_table

        large = read_large_table(path, path.stem, spec, digest=report.digest, cache=cache)
        if large is not None:
            return large
    return read_table(path, path.stem, spec)


def _is_labelled(spec: DataSpec) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        return spec.label_column in parquet.read_schema(path_of(spec.source)).names
    except (OSError, pa.ArrowException):
        return True


def _table(path: Path, columns: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(path, columns=list(columns))


PARQUET = file_source(
    ".parquet",
    "the same table, which may be larger than memory",
    read=_read,
    unlabelled=table_examples,
    is_labelled=_is_labelled,
    table=_table,
    groups=GROUP_COLUMN,
)
