"""Homework part 1: classifiers on images."""

from prefect import flow

from flows.studies.closing import HOOKS
from flows.studies.reported import flow_name, reported
from flows.studies.study import study
from hw3models.data.addresses import short_name
from hw3models.specs import ImagesSpec, RunReport


@flow(name="images", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def images(spec: ImagesSpec) -> RunReport:
    """Download, preprocess, train, evaluate, compare, report: which family for these images?"""
    return reported(
        f"images {short_name(spec.data.source)}", spec, lambda parent: study("images", spec, spec.data, parent)
    )
