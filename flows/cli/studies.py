"""Studies: everything, images, autoencoders, sequences."""

from collections.abc import Callable
from typing import Annotated, Any

from flows.cli.app import Explain, Flat, Json, Verbose, app, with_sources
from flows.terminal import show, show_json
from hw3models.specs import (
    AutoencoderSpec,
    DataOptions,
    DataSpec,
    Hw3Spec,
    ImagesSpec,
    LearningCurveReport,
    LearningCurveSpec,
    SequencesSpec,
    StudySpec,
)


@app.command
def run(
    *,
    spec: Annotated[Hw3Spec, Flat] = Hw3Spec(),  # noqa: B008  # frozen
    explain: Explain = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Run everything: images, autoencoder, sequence regimes and the homework parts, with one report.

    Parameters
    ----------
    explain
        Print the statistics behind the answer as well: every sentence of the verdict.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import execute

    execute("hw3", spec, json=json, verbose=verbose, explain=explain)


@app.command
@with_sources("images")
def images(
    source: str = "digits",
    /,
    *,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    explain: Explain = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare classifiers on images (homework part 1).

    Parameters
    ----------
    source
        {sources}
    explain
        Print the statistics behind the answer as well: every sentence of the verdict.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import execute

    spec = ImagesSpec(data=DataSpec(source=source, **_given(data)), **_given(study))
    execute("images", spec, json=json, verbose=verbose, explain=explain)


@app.command
@with_sources("images")
def autoencoder(
    source: str = "digits",
    /,
    *,
    latent_dim: int = 2,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    explain: Explain = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Train autoencoders and set them beside PCA (homework part 2).

    Parameters
    ----------
    source
        {sources}
    latent_dim
        Numbers in the code.
    explain
        Print the statistics behind the answer as well: every sentence of the verdict.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import execute

    pictures = DataSpec(source=source, **_given(data))
    spec = AutoencoderSpec(data=pictures, latent_dim=latent_dim, **_given(study))
    execute("autoencoder", spec, json=json, verbose=verbose, explain=explain)


@app.command
@with_sources("sequences")
def sequences(
    source: str,
    /,
    *,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    explain: Explain = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare families on sequences (homework part 5).

    Parameters
    ----------
    source
        {sources}
    explain
        Print the statistics behind the answer as well: every sentence of the verdict.
    json
        Print one machine-readable summary on stdout; progress goes to stderr.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import execute

    spec = SequencesSpec(data=DataSpec(source=source, **_given(data)), **_given(study))
    execute("sequences", spec, json=json, verbose=verbose, explain=explain)


@app.command(name="learning-curve")
@with_sources("sequences")
def learning_curve(
    source: str,
    /,
    *,
    times: float = 2.0,
    study: Annotated[StudySpec, Flat] = StudySpec(),  # noqa: B008
    data: Annotated[DataOptions, Flat] = DataOptions(),  # noqa: B008
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say what more data would do: the same study at growing sizes of the training part, and a forecast.

    Parameters
    ----------
    source
        {sources}; or images.
    times
        How much more data the forecast is for.
    json
        Print the forecast as one JSON object.
    verbose
        Show Prefect's own log as well.
    """
    from flows.local.run import run_here
    from flows.terminal import remark
    from hw3models.data.sources import match
    from tasks.bringing import on_this_machine

    def load() -> Callable[[LearningCurveSpec], LearningCurveReport]:
        from flows.learning_curve import learning_curve

        return learning_curve

    examples, options = DataSpec(source=source, **_given(data)), _given(study)
    with on_this_machine(examples, remark) as here:
        found = match(here.source, here.layout)
        kind = None if found is None else found.kinds[0] if found.kind_of is None else found.kind_of(here.source)
    if kind == "images":
        spec = LearningCurveSpec(images=ImagesSpec(data=examples, **options), times=times)
    else:
        spec = LearningCurveSpec(sequences=SequencesSpec(data=examples, **options), times=times)
    report = run_here(load, spec, verbose=verbose)
    show_json(report.model_dump_json(indent=1)) if json else show(report.verdict)


def _given(options: DataOptions | StudySpec) -> dict[str, Any]:
    return dict(options)
