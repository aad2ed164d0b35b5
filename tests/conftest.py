"""What every test may rely on: reproducible property tests and, where present, the shared recordings; and the order of
the files where several workers share them."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from tests.examples import EXPLORES
from tests.order import handed_out, is_of_seconds

REPO_ROOT = Path(__file__).resolve().parent.parent

# Examples are timed by the machine's mood, not by the code, so no deadline. The same examples come up each time: what
# is red is the change's doing and not the day's. New ones are tried by `make laws`.
settings.register_profile("the same", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("new ones", deadline=None, print_blob=True)
settings.load_profile("new ones" if EXPLORES else "the same")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of real recordings kept beside the checkout; the test is skipped where there is none."""
    directory = REPO_ROOT.parent / "shared" / "data"
    if not directory.is_dir():
        pytest.skip(f"real recordings are not here: {directory} is absent")
    return directory


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what takes seconds. Of a worker's files the long ones come first; a single process keeps the order."""
    for item in items:
        if is_of_seconds(item.nodeid):
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        items[:] = handed_out([(item.nodeid.split("::", 1)[0], item) for item in items])


def pytest_collection_finish() -> None:
    """What was imported and collected lives as long as the run: no collection of garbage walks through it again."""
    gc.collect()
    gc.freeze()
