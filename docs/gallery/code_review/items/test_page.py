from page import page


def test_first_page() -> None:
    assert page(["a", "b"], 0, 1) == ["a"]
