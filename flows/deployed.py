"""Studies as deployments: what Prefect's form and `prefect deployment run --param` ask for.

A few parameters on the first level, everything else in `advanced`; calls from before, with a whole `spec`, stay right.
The studies themselves are those of `flows.sequences` and its neighbours.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from prefect import flow
from pydantic import Field, create_model

from flows.studies.closing import HOOKS
from flows.studies.reach import check_reach
from flows.studies.reported import flow_name, reported
from flows.studies.study import study
from hw3models.data.addresses import short_name
from hw3models.errors import SpecError
from hw3models.specs import (
    Answer,
    AutoencoderSpec,
    DataSpec,
    ImagesSpec,
    PlacementWish,
    RunReport,
    SequencesSpec,
    Spec,
    StudySpec,
)

_S = TypeVar("_S", ImagesSpec, AutoencoderSpec, SequencesSpec)
_COMMON = frozenset({"source", "families", "seeds", "metric", "budget", "placement"})
_OF_SERIES = frozenset({"label_column", "group_column"})
_OF_PICTURES = frozenset({"image_size", "group_from"})
Seeds = Annotated[int, Field(ge=1, le=1000)]


def _rest(name: str, flat: frozenset[str], *, of_series: bool) -> type[Spec]:
    """What is left of a study's options and those of its data; without what only the other kind of data has."""
    of_data = _FORMS_OF_SERIES if not of_series else _FORMS_OF_PICTURES
    fields: dict[str, Any] = {
        field: (info.annotation, info)
        for spec in (StudySpec, DataSpec)
        for field, info in spec.model_fields.items()
        if field not in flat and field not in of_data
    }
    return create_model(name, __base__=Spec, __doc__="Everything else.", **fields)


_FORMS_OF_PICTURES = frozenset({"image_size", "image_fit", "skip_unreadable", "group_from"})
_FORMS_OF_SERIES = frozenset(
    {"sample_column", "time_column", "label_column", "group_column", "missing", "window", "stride", "mixed_windows",
     "resample", "axes", "layout", "difficulty", "num_train", "num_test"}
)  # fmt: skip

if TYPE_CHECKING:
    MoreOfSequences: TypeAlias = Spec
    MoreOfImages: TypeAlias = Spec
else:
    MoreOfSequences = _rest("MoreOfSequences", _COMMON | _OF_SERIES, of_series=True)
    MoreOfImages = _rest("MoreOfImages", _COMMON | _OF_PICTURES, of_series=False)


@flow(name="sequences", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def sequences(
    source: str = "regime:order",
    label_column: str | None = None,
    group_column: str | None = None,
    families: str | None = None,
    seeds: Seeds = 5,
    metric: str | None = None,
    budget: str | None = None,
    placement: PlacementWish = "auto",
    advanced: MoreOfSequences = MoreOfSequences(),  # noqa: B008
    spec: SequencesSpec | None = None,
) -> RunReport:
    """Which family for these sequences, and is the difference real?

    Args:
        source: The name of a data set (`hw3 sources` lists them), an address (https://, s3://), what `hw3 upload` has
            printed, or a path that the worker has.
        label_column: Tables: the column of the class. None: `label`, or the one that fits.
        group_column: Tables: the column that says whose series it is, such as `subject`. None: all are independent.
        families: Families and baselines, with commas between them. None: those that suit the data.
        seeds: Replicates per family. Under 3 there is hardly a statement about the difference.
        metric: What families are compared by, such as `accuracy` or `macro_f1`. None: accuracy.
        budget: Time that training may take, such as `90s`, `5m` or `1h`. None: as long as it takes.
        placement: Where networks are trained: `auto`, `here` (the study's own worker), or insist on `gpu` or `cpu`.
        advanced: Everything else.
        spec: The whole study in one object, instead of all of these: the form of earlier versions.
    """
    whole = merged(SequencesSpec, sequences.fn, dict(locals()))
    return reported(
        f"sequences {short_name(whole.data.source)}", whole, lambda run: study("sequences", whole, whole.data, run)
    )


@flow(name="images", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def images(
    source: str = "digits",
    image_size: str | None = None,
    group_from: str | None = None,
    families: str | None = None,
    seeds: Seeds = 5,
    metric: str | None = None,
    budget: str | None = None,
    placement: PlacementWish = "auto",
    advanced: MoreOfImages = MoreOfImages(),  # noqa: B008
    spec: ImagesSpec | None = None,
) -> RunReport:
    """Which family of network for these images?

    Args:
        source: The name of a data set (`hw3 sources` lists them), an address (https://, s3://), what `hw3 upload` has
            printed, or a path that the worker has.
        image_size: Pictures in files: the size that all are brought to, such as `64` or `48x64`. None: their own.
        group_from: Pictures in files: whose picture it is: `folder`, or a regular expression for the path.
        families: Families and baselines, with commas between them. None: those that suit the data.
        seeds: Replicates per family. Under 3 there is hardly a statement about the difference.
        metric: What families are compared by, such as `accuracy` or `macro_f1`. None: accuracy.
        budget: Time that training may take, such as `90s`, `5m` or `1h`. None: as long as it takes.
        placement: Where networks are trained: `auto`, `here` (the study's own worker), or insist on `gpu` or `cpu`.
        advanced: Everything else.
        spec: The whole study in one object, instead of all of these: the form of earlier versions.
    """
    whole = merged(ImagesSpec, images.fn, dict(locals()))
    return reported(
        f"images {short_name(whole.data.source)}", whole, lambda run: study("images", whole, whole.data, run)
    )


@flow(name="autoencoder", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def autoencoder(
    source: str = "digits",
    image_size: str | None = None,
    latent_dim: Annotated[int, Field(ge=1, le=512)] = 2,
    families: str | None = None,
    seeds: Seeds = 5,
    metric: str | None = None,
    budget: str | None = None,
    placement: PlacementWish = "auto",
    advanced: MoreOfImages = MoreOfImages(),  # noqa: B008
    spec: AutoencoderSpec | None = None,
) -> RunReport:
    """Images in a code of a few numbers, against PCA of the same size.

    Args:
        source: The name of a data set (`hw3 sources` lists them), an address (https://, s3://), what `hw3 upload` has
            printed, or a path that the worker has.
        image_size: Pictures in files: the size that all are brought to, such as `64` or `48x64`. None: their own.
        latent_dim: Numbers in the code.
        families: Families and baselines, with commas between them. None: those that suit the data.
        seeds: Replicates per family. Under 3 there is hardly a statement about the difference.
        metric: What families are compared by: `mse`, `squared_error`, `psnr` or `probe_accuracy`. None: mse.
        budget: Time that training may take, such as `90s`, `5m` or `1h`. None: as long as it takes.
        placement: Where networks are trained: `auto`, `here` (the study's own worker), or insist on `gpu` or `cpu`.
        advanced: Everything else.
        spec: The whole study in one object, instead of all of these: the form of earlier versions.
    """
    whole = merged(AutoencoderSpec, autoencoder.fn, dict(locals()))

    def answer(run: str) -> Answer:
        return study("autoencoder", whole, whole.data, run, latent_dim=whole.latent_dim)

    return reported(f"autoencoder {short_name(whole.data.source)}", whole, answer)


def merged(make: type[_S], form: Callable[..., Any], given: dict[str, Any]) -> _S:
    """The study that the form's values mean.

    Raises:
        SpecError: both a whole `spec` and values beside it, which may contradict it; or what a spec refuses.
        DataError: the source is a path that this machine does not have.
    """
    spec: _S | None = given.pop("spec")
    advanced: Spec = given.pop("advanced")
    defaults = inspect.signature(form).parameters
    changed = {name: value for name, value in given.items() if value != defaults[name].default}
    changed |= advanced.model_dump(exclude_defaults=True)
    if spec is None:
        values = {"source": given["source"]} | changed
        data = {name: values.pop(name) for name in list(values) if name in DataSpec.model_fields}
        spec = make.model_validate({**values, "data": data})
    elif changed:
        raise SpecError(
            f"`spec` is the whole study, and {', '.join(f'`{name}`' for name in changed)} stands beside it. "
            "Leave `spec` out, or put it in there."
        )
    check_reach(spec.data.source)
    return spec
