"""What the spaces of a mock share: everything that depends on the contract alone, and custom scenarios and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.request_checks.run import RequestChecks
from pytest_bctrl.samples.examples import example_problems
from pytest_bctrl.samples.inputs import main_operation, responds_with_json
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.change import Fault
from pytest_bctrl.traffic.mock.documented import DocumentedResponses
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses
from pytest_bctrl.traffic.mock.scenarios import Scenario


class Shared:
    """The data that all spaces of a mock share.

    `is_exhaustive` is whether the initial data cover the contract instead of repeating its examples, and whether no
    other ids and cursors exist than those in the contract and those that the mock sent.
    """

    def __init__(self, contract: Contract, *, is_exhaustive: bool = False) -> None:
        self.contract = contract
        self.is_exhaustive = is_exhaustive
        self.main = main_operation(contract)
        self.samples = {
            operation.label: Samples(contract, operation)
            for operation in contract.operations
            if responds_with_json(operation)
        }
        self.checks = RequestChecks(contract)
        self.routes = self.checks.routes
        self.error_responses = ErrorResponses(contract)
        self.documented = DocumentedResponses(contract)
        no_content = ResponseSpec("204", "", {}, ())
        self.success = {operation.label: operation.success or no_content for operation in contract.operations}
        self.media_types = {label: _media_types_of(success) for label, success in self.success.items()}
        self.custom_scenarios: Mapping[str, Callable[..., Scenario]] = {}
        self.custom_faults: Mapping[str, Callable[..., Fault]] = {}
        self.data_lock = Lock()
        """Held while a test changes the data of a space."""

    def samples_of(self, operation: Operation) -> Samples:
        """Return the samples of an operation; raises `DocumentError` if it documents no successful JSON response."""
        return self.samples.get(operation.label) or Samples(self.contract, operation)

    def obstacle(self, operation: Operation, space_id: str) -> str:
        """Return why no success response of an operation can be generated; empty if there is one."""
        success, samples = self.success[operation.label], self.samples.get(operation.label)
        try:
            self.documented.header_fields(success, only_required=self.is_exhaustive)
            self.documented.response(success, success.code)
            if samples is not None and samples.invariants:
                samples.sample_with_optionals(space_id, optional=False)
        except DocumentError as error:
            return str(error)
        return ""

    @property
    def invalid_examples(self) -> list[str]:
        """A line per documented example of a response that does not conform; generated data are served instead."""
        return [
            f"{operation.label}: {problem}"
            for operation in self.contract.operations
            for spec in operation.responses.values()
            for problem in example_problems(self.contract, spec)
        ]


def _media_types_of(success: ResponseSpec) -> tuple[str, ...]:
    """Return the documented media types of a success response, that of the JSON body first; none if it has no body.

    Beside a JSON body, ranges such as `*/*` name no further media type.
    """
    if success.json is None:
        return tuple(success.content)
    return tuple(dict.fromkeys([success.json[0], *(media for media in success.content if "*" not in media)]))
