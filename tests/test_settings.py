import pytest

from orchestration_assets.settings import Settings


def test_urls_and_folders_stand_beside_each_other_in_the_environment() -> None:
    given = {"ORCHESTRATION_SOURCES": "/data/a:s3://bucket/x:relative:file:///y"}
    assert Settings.from_environment(given).sources == (
        "/data/a",
        "s3://bucket/x",
        "relative",
        "file:///y",
    )


@pytest.mark.parametrize("given", ["0", "often", "1.5", "-3"])
def test_how_often_to_look_must_be_whole_seconds(given) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        Settings.from_environment({"ORCHESTRATION_TICK_SECONDS": given})
