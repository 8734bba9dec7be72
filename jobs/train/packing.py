"""A fitted pipeline as a signed bundle."""

import hashlib
from dataclasses import replace

from sklearn.pipeline import Pipeline

from features_pkg.models.bundle import (
    GOLDEN,
    PAGE,
    PICKLE,
    READABLE_REPORT,
    REPORT,
    SIGNATURE,
    Bundle,
)
from features_pkg.models.calibration import calibrated
from features_pkg.models.golden import GOLDEN_ROWS, GoldenOutputs, encode_golden, proof_rows
from features_pkg.models.loading import as_floats
from features_pkg.models.manifest import MANIFEST, ModelManifest, encode_manifest
from features_pkg.models.scoring import compile_pipeline
from features_pkg.models.signing import SigningKey
from jobs.train.page.figures import NO_FIGURES, Figures
from jobs.train.page.html import render_page
from jobs.train.pipeline import to_bytes
from jobs.train.report import Comparison, Report, encode_report, readable_report


def signed_bundle(
    manifest: ModelManifest,
    pipeline: Pipeline,
    key: SigningKey,
    comparison: Comparison | None = None,
    not_compared: str = "none was given",
    figures: Figures = NO_FIGURES,
) -> Bundle:
    """All files of a model, whose manifest gets the rest of its name and the hashes.

    The name ends in digits of a hash over all but the reports, so that other content has another
    name. The golden rows are made up around the medians: nothing of an order is in the bundle.
    """
    rows = proof_rows(as_floats(manifest.medians), manifest.seed)[:GOLDEN_ROWS]
    scorer = calibrated(compile_pipeline(pipeline), manifest.calibration)
    golden = GoldenOutputs.of(rows, scorer.scores(rows))
    contents = {PICKLE: to_bytes(pipeline), GOLDEN: encode_golden(golden)}
    manifest = replace(manifest, files=_hashes(contents))
    digest = hashlib.sha256(encode_manifest(manifest)).hexdigest()
    manifest = replace(manifest, name=f"{manifest.name}-{digest[:8]}")
    report = Report(manifest, comparison, not_compared)
    contents[REPORT] = encode_report(report)
    contents[READABLE_REPORT] = readable_report(report).encode()
    contents[PAGE] = render_page(report, figures)
    return sign(replace(manifest, files=_hashes(contents)), contents, key)


def sign(manifest: ModelManifest, contents: dict[str, bytes], key: SigningKey) -> Bundle:
    """The bundle of a manifest that has the hashes of these contents."""
    encoded = encode_manifest(manifest)
    return Bundle(manifest, {**contents, SIGNATURE: key.sign(encoded), MANIFEST: encoded})


def without_reports(manifest: ModelManifest) -> ModelManifest:
    """The manifest without what a comparison with another model changes."""
    files = {name: manifest.files.get(name, "") for name in (PICKLE, GOLDEN)}
    return replace(manifest, files=files)


def _hashes(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
