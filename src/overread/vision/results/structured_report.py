"""Scores and calls on one radiograph as a structured report: TID 1500, a measurement group (TID 1501) per finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from overread import __version__
from overread.records.errors import InputError, listed, plain
from overread.records.findings import display, key
from overread.vision.results.finding_codes import CALL, NO, NO_UNITS, SCHEME, SCORE, THRESHOLD, YES, finding_code
from overread.vision.results.source import made_uid, quietly

STATEMENT = (
    "Research output and no diagnosis. A score orders images by how much they look like those that were labelled so; "
    "it is no probability unless it was calibrated. No person has verified this."
)
SERIES_NUMBER = 9001


@dataclass(frozen=True)
class Answers:
    """What an algorithm answered on one image: scores by finding, and thresholds where calls were made."""

    algorithm: str
    version: str
    scores: Mapping[str, float]
    thresholds: Mapping[str, float]

    def __post_init__(self) -> None:
        known = set(map(key, self.scores))
        strangers = [finding for finding in self.thresholds if key(finding) not in known]
        if strangers:
            what = f"there is a threshold for {plain(strangers[0])}, which the reading has no score for"
            raise InputError("--thresholds", what, f"some of: {listed(tuple(self.scores), most=14)}")

    def threshold(self, finding: str) -> float | None:
        """Return the threshold of a finding, None where it has none."""
        return {key(name): value for name, value in self.thresholds.items()}.get(key(finding))

    @property
    def parts(self) -> tuple[str, ...]:
        """All of it as texts, of which identifiers are made."""
        said = [f"{name}={score!r}:{self.threshold(name)!r}" for name, score in self.scores.items()]
        return (self.algorithm, self.version, __version__, *said)


@quietly()
def structured_report(source: Dataset, answers: Answers) -> Dataset:
    """Return the report on the image `source`, which belongs to the same study and refers to the image.

    It is complete, preliminary and unverified. Patient and study are those of the source.
    """
    image, about = str(source.SOPInstanceUID), answers.parts
    algorithm = sr.AlgorithmIdentification(
        name=answers.algorithm,
        version=answers.version,
        family=codes.DCM.ArtificialIntelligence,
        parameters=[f"Scored and written with overread {__version__}", STATEMENT],
    )
    groups = [group(source, answers, finding, algorithm) for finding in answers.scores]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer(answers)),
        procedure_reported=codes.SCT.ChestImaging,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    content[0].ContentSequence.append(
        sr.TextContentItem(codes.DCM.Comment, STATEMENT, relationship_type=sr.RelationshipTypeValues.CONTAINS)
    )
    made: Dataset = sr.ComprehensiveSR(
        evidence=[source],
        content=content[0],
        series_instance_uid=made_uid("series of reports", str(source.StudyInstanceUID), *about[:3]),
        series_number=SERIES_NUMBER,
        sop_instance_uid=made_uid("report", image, *about),
        instance_number=1,
        manufacturer="overread",
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="Research output, no diagnosis",
        manufacturer_model_name="overread",
        software_versions=__version__,
    )
    made.CodingSchemeIdentificationSequence = [own_scheme()]
    return made


def own_scheme() -> Dataset:
    """Return what the scheme of our own codes is, for an archive that meets it."""
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = "Codes of overread for what PS3.16 has no code for"
    item.CodingSchemeResponsibleOrganization = "overread"
    return item


def observer(answers: Answers) -> sr.ObserverContext:
    """Return who observed: a device, the algorithm."""
    attributes = sr.DeviceObserverIdentifyingAttributes(
        uid=made_uid("algorithm", answers.algorithm, answers.version), name=answers.algorithm
    )
    return sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=attributes)


def group(
    source: Dataset, answers: Answers, finding: str, algorithm: sr.AlgorithmIdentification
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return score, threshold and call of one finding."""
    score, threshold = answers.scores[finding], answers.threshold(finding)
    measured = [sr.Measurement(name=SCORE, value=score, unit=NO_UNITS)]
    calls = []
    if threshold is not None:
        measured.append(sr.Measurement(name=THRESHOLD, value=threshold, unit=NO_UNITS))
        calls.append(sr.QualitativeEvaluation(name=CALL, value=YES if score >= threshold else NO))
    identifier = made_uid("finding", str(source.SOPInstanceUID), finding, *answers.parts)
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=identifier, identifier=display(finding)),
        finding_type=finding_code(finding),
        algorithm_id=algorithm,
        measurements=measured,
        qualitative_evaluations=calls or None,
        source_images=[sr.SourceImageForMeasurementGroup(str(source.SOPClassUID), str(source.SOPInstanceUID))],
    )
