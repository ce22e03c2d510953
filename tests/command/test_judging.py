"""What a run says of how right its answers are, and of what waits for people."""

from orchestration_assets.command.judging import Judging, judging_lines


def test_nothing_is_said_where_nothing_is_judged_and_nothing_waits() -> None:
    assert list(judging_lines(Judging())) == []


def test_the_file_to_fill_in_and_the_folder_to_drop_it_into_are_named() -> None:
    waiting = {"home/review/a.csv": 2, "home/review/b.csv": 1}
    right, review = judging_lines(Judging(0.5, 0.2, 0.8, 8, waiting, "home/verdicts"))
    assert "50% of 8 judged answers (20% to 80%)" in right
    assert "3 questions wait" in review
    assert "home/review/a.csv and 1 more beside it" in review
    assert review.endswith("into home/verdicts")
