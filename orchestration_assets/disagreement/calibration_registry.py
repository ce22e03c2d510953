"""What was calibrated, in the artefact store: promoted models and thresholds read, new ones put
into use."""

from collections.abc import Callable
from dataclasses import replace

from orchestration_assets.disagreement.calibration import CalibrationResult
from orchestration_assets.disagreement.label_weights import PromotedCalibration
from orchestration_assets.evidence.label_model import pack, unpack
from orchestration_assets.evidence.vector_thresholds import ThresholdsInUse, VectorThresholds
from orchestration_assets.evidence.vector_thresholds import artefact_name as thresholds_name
from orchestration_assets.evidence.vector_thresholds import pack as pack_thresholds
from orchestration_assets.evidence.vector_thresholds import unpack as unpack_thresholds
from orchestration_assets.schemas.disagreement import CalibrationRow
from resources.artefact_store import ArtefactError
from resources.model_store import ModelStore


def artefact_name(task: str) -> str:
    """The name under which a task's model is kept."""
    return f"calibration.{task}"


def promoted_for(store: ModelStore) -> Callable[[str], PromotedCalibration | None]:
    """A function from a task to the model in use, None where there is none.

    A model that cannot be read is not in use. The function raises ArtefactError for one that has
    another format.
    """

    def promoted(task: str) -> PromotedCalibration | None:
        name = artefact_name(task)
        version = store.usable(name)
        if version is None:
            return None
        artefact = store.read(name, version)
        try:
            return PromotedCalibration(unpack(artefact.arrays, artefact.facts), version)
        except (KeyError, ValueError) as error:
            raise ArtefactError(
                f"{name} {version} cannot be understood ({error}); materialize calibration again"
            ) from error

    return promoted


def promote(store: ModelStore, found: CalibrationResult) -> CalibrationRow:
    """Puts a model that passed the gate into use; returns its row, with the version in use."""
    if found.model is None:
        return found.row
    arrays, facts = pack(found.model)
    name = artefact_name(found.row.task)
    version = store.write(name, arrays, facts)
    store.promote(name, version)
    return replace(found.row, version=version)


def thresholds_in_use(
    store: ModelStore, task: str, version: str | None = None
) -> ThresholdsInUse | None:
    """A task's thresholds of this version, by default those in force; None where there are none.

    Raises ArtefactError for thresholds that were changed or have another format.
    """
    name = thresholds_name(task)
    wanted = version or store.usable(name)
    if wanted is None:
        return None
    artefact = store.read(name, wanted)
    try:
        return ThresholdsInUse(unpack_thresholds(artefact.arrays, artefact.facts), wanted)
    except (KeyError, ValueError) as error:
        raise ArtefactError(
            f"{name} {wanted} cannot be understood ({error}); materialize vector_thresholds again"
        ) from error


def promote_thresholds(
    store: ModelStore, task: str, thresholds: VectorThresholds
) -> ThresholdsInUse:
    """Puts thresholds that passed the gate into use."""
    name = thresholds_name(task)
    version = store.write(name, *pack_thresholds(thresholds))
    store.promote(name, version)
    return ThresholdsInUse(thresholds, version)
