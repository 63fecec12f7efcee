"""Homework part 5: classifiers on sequences."""

from prefect import flow

from flows.studies.closing import HOOKS
from flows.studies.reported import flow_name, reported
from flows.studies.study import study
from hw3models.data.addresses import short_name
from hw3models.specs import RunReport, SequencesSpec


@flow(name="sequences", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def sequences(spec: SequencesSpec) -> RunReport:
    """Download, preprocess, train, evaluate, compare, report: which family for these sequences?"""
    return reported(
        f"sequences {short_name(spec.data.source)}", spec, lambda parent: study("sequences", spec, spec.data, parent)
    )
