"""Homework part 2: autoencoders on images, next to PCA with as many numbers."""

from prefect import flow

from flows.studies.closing import HOOKS
from flows.studies.reported import flow_name, reported
from flows.studies.study import study
from hw3models.data.addresses import short_name
from hw3models.specs import Answer, AutoencoderSpec, RunReport


@flow(name="autoencoder", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def autoencoder(spec: AutoencoderSpec) -> RunReport:
    """Download, preprocess, train, evaluate, compare, report: how good is a code of a few numbers?"""

    def answer(parent: str) -> Answer:
        return study("autoencoder", spec, spec.data, parent, latent_dim=spec.latent_dim)

    return reported(f"autoencoder {short_name(spec.data.source)}", spec, answer)
