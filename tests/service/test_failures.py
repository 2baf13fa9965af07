"""service.failures: whatever a run can end with is explained."""

import pytest

from service.failures import FAILURES
from ticketing import errors

ERROR_CODES = sorted({kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")})


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_way_a_run_can_fail_is_explained(code: str) -> None:
    assert code in FAILURES
