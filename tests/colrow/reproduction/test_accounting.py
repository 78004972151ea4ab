"""The compute reductions that the paper gives are planned without a step."""

import pytest

from colrow.reproduction.accounting import ROWS, section
from crs_core.cost import plan_cost
from crs_core.spec import parse_spec

GIVEN = (0.795, 0.600, 0.541, 0.786, 0.669, 0.245, 0.500, 0.339)
"""What the definition gives for each row, in three digits; the CNN keeps 10 of 32 channels."""


@pytest.mark.parametrize(("row", "given"), list(zip(ROWS, GIVEN, strict=True)))
def test_the_definition_gives_each_row_in_three_digits(row, given):
    cost = plan_cost(parse_spec(row.setting.spec(0, quick=False)))
    assert round(cost.reduction, 3) == given


def test_the_table_sets_them_beside_the_papers():
    table = section().blocks[1]
    assert [row[1:3] for row in table.rows] == [
        ("79 %, 80 %", "79.5 %"), ("60 %", "60.0 %"), ("55 %", "54.1 %"),
        ("77 %, 78 %", "78.6 %"), ("about 68 %", "66.9 %"), ("24 %", "24.5 %"),
        ("50 %", "50.0 %"), ("33 %", "33.9 %"),
    ]  # fmt: skip
