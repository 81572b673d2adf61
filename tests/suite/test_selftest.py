"""The self-test proves the suite: conforming scenarios pass, faults and mutants are found."""

from __future__ import annotations

import re

import pytest


def test_the_self_test_of_the_packaged_contract_passes_without_a_target(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--bctrl-selftest`: all mutants are caught, and the last lines say so."""
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)

    result = pytester.runpytest("--bctrl-selftest")

    result.assert_outcomes(passed=95)
    result.stdout.fnmatch_lines(["bctrl: target none, *, self-test"])
    section = result.stdout.str().partition("bctrl contract")[2]
    ((caught, total),) = re.findall(r"contract strength: (\d+) of (\d+) mutants caught", section)
    assert caught == total
    assert int(total) > 200
    assert any("contract strength: " in line for line in section.splitlines()[-4:-1]), "the verdict alone is below it"


AWKWARD = """
openapi: 3.1.0
info: {title: Orders, version: '1'}
security: [{key: []}]
paths:
  /orders/{id}:
    get:
      operationId: order
      parameters: [{name: id, in: path, required: true, schema: {type: integer}, example: 42}]
      responses:
        '200':
          description: One order.
          content:
            application/json:
              schema:
                type: object
                required: [price]
                properties:
                  price: {type: number, exclusiveMinimum: 0, multipleOf: 0.01}
                  code: {type: string, pattern: '^(?=A)B$'}
                unevaluatedProperties: false
    delete: {operationId: cancel, responses: {'204': {description: Gone.}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
"""


SECOND = """paths:
  /orders:
    get:
      operationId: orders
      responses:
        '200': {description: All., content: {application/json: {schema: {type: array, items: {type: integer}}}}}"""


def test_the_self_test_passes_for_a_contract_without_documented_errors(pytester: pytest.Pytester) -> None:
    """What the contract does not document is reported, but does not fail the run."""
    pytester.makefile(".yaml", mine=AWKWARD.replace("^(?=A)B$", "^[A-Z]{3}$").replace("paths:", SECOND))

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml", "-n2")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "GET /orders: contract strength: *",
            "GET /orders: 401 is not documented",
            "GET /orders/{id}: contract strength: *",
            "GET /orders/{id}: 401 is not documented",
            "GET /orders/{id}: 404 is not documented",
        ]
    )


DOCUMENTED_401 = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
security: [{key: []}]
paths:
  /orders: {get: {responses: {'200': {$ref: '#/components/responses/List'}, '401': {description: The key is wrong.}}}}
  /boxes: {get: {responses: {'200': {$ref: '#/components/responses/List'}, '401': {description: The key is wrong.}}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
  responses:
    List: {description: All., content: {application/json: {schema: {type: array, items: {type: integer}}}}}
"""


def test_the_self_test_finds_a_rejected_key_although_there_are_other_operations(pytester: pytest.Pytester) -> None:
    """In other runs, an operation with a documented 401 is not checked then, because others may be."""
    pytester.makefile(".yaml", mine=DOCUMENTED_401)

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml", "-k", "unauthorized")

    assert result.ret == pytest.ExitCode.OK
    assert 2 == result.parseoutcomes()["passed"]


OPTIONAL_ALONE = """
openapi: 3.1.0
info: {title: Notes, version: '1'}
paths:
  /note: {get: {responses: {'200': {$ref: '#/components/responses/Note'}}}}
  /book: {get: {responses: {'200': {$ref: '#/components/responses/Book'}}}}
components:
  responses:
    Note: {description: One., content: {application/json: {schema: {$ref: '#/components/schemas/Note'}}}}
    Book: {description: One., content: {application/json: {schema: {required: [note], properties: {note: {}}}}}}
  schemas:
    Note: {type: object, properties: {author: {type: string}, slug: {type: string}}}
"""


def test_the_self_test_repeats_no_key_of_a_body_without_keys(pytester: pytest.Pytester) -> None:
    """The mock serves a note without optional properties, although they are in other samples of the same schema."""
    pytester.makefile(".yaml", mine=OPTIONAL_ALONE)

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml", "-k", "duplicate_key")

    assert result.ret == pytest.ExitCode.OK
    assert 1 == result.parseoutcomes()["passed"]


def test_the_self_test_of_a_short_list_serves_as_many_items_as_are_allowed(pytester: pytest.Pytester) -> None:
    """With `maxItems: 5`, the scenario `many` has five items; without a limit, it has its default number."""
    limited = SECOND.replace("type: array", "type: array, maxItems: 5")
    for name, text in (("limited.yaml", limited), ("free.yaml", SECOND)):
        pytester.path.joinpath(name).write_text(AWKWARD.replace("paths:", text), "utf-8")

    ids = [
        pytester.runpytest("--bctrl-selftest", f"--bctrl-contract={name}", "--collect-only", "-q").outlines
        for name in ("limited.yaml", "free.yaml")
    ]

    scenarios = [[line for line in lines if "[orders-many" in line] for lines in ids]
    assert [["orders-many(5)]"], ["orders-many]"]] == [
        [line.partition("[")[2] for line in lines] for lines in scenarios
    ]


NO_VALUE = AWKWARD.replace("required: [price]", "required: [price, code]")
NO_BODY = (
    AWKWARD.partition("    get:")[0]
    + "    delete: {operationId: cancel, responses: {'204': {description: Gone.}}}\ncomponents:"
    + AWKWARD.partition("components:")[2]
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (NO_VALUE, "code: no sample can be generated for the pattern *examples*"),
        (NO_BODY, "it documents no successful JSON response*"),
    ],
)
def test_the_self_test_without_a_body_that_can_be_generated_is_a_usage_error(
    pytester: pytest.Pytester, text: str, problem: str
) -> None:
    """A passing run would suggest that something was proven; the message names the problem."""
    pytester.makefile(".yaml", mine=text)

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bctrl: *{problem}"])


def test_an_operation_that_cannot_be_requested_is_skipped_in_the_self_test(pytester: pytest.Pytester) -> None:
    impossible = "schema: {type: string, pattern: '^(?=A)B$'}"
    pytester.makefile(".yaml", mine=AWKWARD.replace("schema: {type: integer}, example: 42", impossible))

    result = pytester.runpytest("--bctrl-selftest", "--bctrl-contract=mine.yaml")

    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["*: not tested with faults: no value for id, and no example in the contract; *"])
