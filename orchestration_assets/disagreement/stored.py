"""Models of label services in the artefact store: promoted ones read, new ones put into use."""

from collections.abc import Callable
from dataclasses import replace

from orchestration_assets.disagreement.calibrating import Calibrated
from orchestration_assets.disagreement.weighing import Promoted
from orchestration_assets.evidence.label_model import pack, unpack
from orchestration_assets.schemas.disagreement import CalibrationRow
from resources.artefact_store import ArtefactError
from resources.model_store import ModelStore


def artefact_name(task: str) -> str:
    """The name under which a task's model is kept."""
    return f"calibration.{task}"


def promoted_for(store: ModelStore) -> Callable[[str], Promoted | None]:
    """A function from a task to the model in use, None where there is none.

    The function raises ArtefactError for a model that was changed or has another format.
    """

    def promoted(task: str) -> Promoted | None:
        name = artefact_name(task)
        version = store.current(name)
        if version is None:
            return None
        artefact = store.read(name, version)
        try:
            return Promoted(unpack(artefact.arrays, artefact.facts), version)
        except (KeyError, ValueError) as error:
            raise ArtefactError(
                f"{name} {version} cannot be understood ({error}); materialize calibration again"
            ) from error

    return promoted


def promote(store: ModelStore, found: Calibrated) -> CalibrationRow:
    """Puts a model that passed the gate into use; returns its row, with the version in use."""
    if found.model is None:
        return found.row
    arrays, facts = pack(found.model)
    name = artefact_name(found.row.task)
    version = store.write(name, arrays, facts)
    store.promote(name, version)
    return replace(found.row, version=version)
