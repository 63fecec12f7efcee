"""Tables in long form as `.csv`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw3models.data.raw import Raw
from hw3models.data.readers.text_files import rows_of, text_form
from hw3models.data.readers.unlabelled import table_examples
from hw3models.data.source import GROUP_COLUMN, file_source, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

# pandas costs a second to import; other formats do without it.


def _read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    from hw3models.data.readers.tables import read_table

    path = Path(report.files[0])  # a table of labels may be another one
    return read_table(path, path.stem, spec)


def _is_labelled(spec: DataSpec) -> bool:
    from hw3models.data.readers.long_tables import csv_names

    try:
        return spec.label_column in csv_names(path_of(spec.source))
    except DataError:
        return True


def _table(path: Path, columns: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    from hw3models.data.readers.long_tables import csv_header

    options = {**csv_header(path), "dtype": "str", "keep_default_na": False}
    with rows_of(path, text_form(path)) as file:
        table: pd.DataFrame = pd.read_csv(file, usecols=list(columns), **options)
    return table


CSV = file_source(
    ".csv",
    "a table in long form: a row for each series and time step",
    read=_read,
    unlabelled=table_examples,
    is_labelled=_is_labelled,
    table=_table,
    groups=GROUP_COLUMN,
)
