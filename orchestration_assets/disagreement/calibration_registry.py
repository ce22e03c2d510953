"""What was calibrated, in the model registry: promoted models and thresholds read, new ones put
into use."""

from collections.abc import Callable
from dataclasses import replace

from orchestration_assets.disagreement.calibration import CalibrationResult
from orchestration_assets.disagreement.label_weights import PromotedCalibration
from orchestration_assets.disagreement.record_weights import PromotedLessons
from orchestration_assets.evidence.label_model import artefact_name, pack, unpack
from orchestration_assets.evidence.records.lessons import FieldLessons
from orchestration_assets.evidence.records.lessons import artefact_name as lessons_name
from orchestration_assets.evidence.records.lessons import pack as pack_lessons
from orchestration_assets.evidence.records.lessons import unpack as unpack_lessons
from orchestration_assets.evidence.vector_thresholds import ThresholdsInUse, VectorThresholds
from orchestration_assets.evidence.vector_thresholds import artefact_name as thresholds_name
from orchestration_assets.evidence.vector_thresholds import pack as pack_thresholds
from orchestration_assets.evidence.vector_thresholds import unpack as unpack_thresholds
from orchestration_assets.schemas.disagreement import CalibrationRow
from resources.model_registry import Artefact, ArtefactError, ModelRegistry


def promoted_for(registry: ModelRegistry) -> Callable[[str], PromotedCalibration | None]:
    """A function from a task to the model in use, None where there is none.

    A model that cannot be read is not in use. The function raises ArtefactError for one that has
    another format.
    """

    def promoted(task: str) -> PromotedCalibration | None:
        artefact = registry.usable(artefact_name(task))
        if artefact is None:
            return None
        try:
            return PromotedCalibration(unpack(artefact.arrays, artefact.facts), artefact.version)
        except (KeyError, ValueError) as error:
            raise _not_understood(artefact, error, "calibration") from error

    return promoted


def promote(registry: ModelRegistry, result: CalibrationResult) -> CalibrationRow:
    """Puts a model that passed the gate into use; returns its row, with the version in use."""
    if result.model is None:
        return result.row
    arrays, facts = pack(result.model)
    name = artefact_name(result.row.task)
    version = registry.store(name, arrays, facts).version
    registry.promote(name, version)
    return replace(result.row, version=version)


def lessons_in_use(registry: ModelRegistry, task: str) -> PromotedLessons | None:
    """What verdicts have taught of the fields of a record task, None where nothing is in use.

    Raises ArtefactError for lessons that have another format.
    """
    artefact = registry.usable(lessons_name(task))
    if artefact is None:
        return None
    try:
        return PromotedLessons(unpack_lessons(artefact.arrays, artefact.facts), artefact.version)
    except (KeyError, ValueError) as error:
        raise _not_understood(artefact, error, "calibration") from error


def promote_lessons(registry: ModelRegistry, task: str, lessons: FieldLessons) -> str:
    """Puts lessons that passed the gate into use; returns their version."""
    name = lessons_name(task)
    version = registry.store(name, *pack_lessons(lessons)).version
    registry.promote(name, version)
    return version


def thresholds_in_use(
    registry: ModelRegistry, task: str, version: str | None = None
) -> ThresholdsInUse | None:
    """A task's thresholds of this version, by default those in force; None where there are none.

    Raises ArtefactError for thresholds that were changed or have another format.
    """
    name = thresholds_name(task)
    artefact = registry.load(name, version) if version else registry.usable(name)
    if artefact is None:
        return None
    try:
        thresholds = unpack_thresholds(artefact.arrays, artefact.facts)
        return ThresholdsInUse(thresholds, artefact.version)
    except (KeyError, ValueError) as error:
        raise _not_understood(artefact, error, "vector_thresholds") from error


def promote_thresholds(
    registry: ModelRegistry, task: str, thresholds: VectorThresholds
) -> ThresholdsInUse:
    """Puts thresholds that passed the gate into use."""
    name = thresholds_name(task)
    version = registry.store(name, *pack_thresholds(thresholds)).version
    registry.promote(name, version)
    return ThresholdsInUse(thresholds, version)


def _not_understood(artefact: Artefact, error: Exception, asset: str) -> ArtefactError:
    which = f"{artefact.name} {artefact.version}"
    return ArtefactError(f"{which} cannot be understood ({error}); materialize {asset} again")
