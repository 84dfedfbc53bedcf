"""What the product hears when Azure Storage refuses."""

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from shared.azure.faults import translated
from shared.domain.errors import StorageFull, Unavailable


def refused(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [(refused(507), StorageFull), (refused(503), Unavailable), (ServiceRequestError("no route"), Unavailable)],
)
def test_a_full_account_is_told_from_one_that_is_away(error, kind):
    """507 is HTTP's word for it; both can be caught as Unavailable."""
    with pytest.raises(Unavailable) as caught, translated():
        raise error
    assert type(caught.value) is kind
