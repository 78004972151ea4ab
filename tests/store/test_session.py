"""What is raised when the database cannot be written to, and what it tells."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from store.session import UNAVAILABLE, brief
from store.tables import Owner
from tests.read_only import read_only

cluster = pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)


@cluster
def test_a_server_that_only_reads_is_unavailable_until_it_takes_writes_again(bench):
    with read_only(bench.database.url), pytest.raises(UNAVAILABLE) as caught:
        bench.submit()
    assert brief(caught.value) == "cannot execute INSERT in a read-only transaction"
    assert bench.job(bench.submit()).state == "queued"


def test_what_failed_is_told_without_what_a_user_wrote(database):
    row = {"name": "s3cret", "created_at": 0, "recent_device_s": 0, "recent_at": 0}
    with pytest.raises(IntegrityError) as caught, database.write() as session:
        session.execute(insert(Owner), [row, row])
    assert "s3cret" not in str(caught.value).partition("DETAIL")[0]
    assert "\n" not in brief(caught.value)
    assert "INSERT" not in brief(caught.value)
    assert "s3cret" not in brief(caught.value)
