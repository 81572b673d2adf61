"""Tests that fail with hostile objects. These log which of their methods run: redaction runs none of them."""

import gc
import io
import os
import warnings

import pytest

SECRET = os.environ["DRAWN"]


class ReprRaisesError(Exception):
    def __repr__(self):
        raise RuntimeError(SECRET)

    __str__ = __repr__


class CountedError(Exception):
    def __init__(self, see):
        super().__init__(SECRET)
        self.see = see

    def __str__(self):
        self.see("CountedError.__str__")
        return SECRET

    def __repr__(self):
        self.see("CountedError.__repr__")
        return SECRET


class NoExceptionsError(Exception):
    exceptions = None


class OddExceptionsError(Exception):
    exceptions = 7


class PropertyRaisesError(Exception):
    @property
    def exceptions(self):
        raise RuntimeError(SECRET)

    @property
    def token(self):
        raise RuntimeError(SECRET)

    def __getattr__(self, name):
        # pytest itself looks for some of the special ones.
        raise AttributeError(name) if name.startswith("_") else RuntimeError(name)


class SlotsError(Exception):
    __slots__ = ("token",)


class Counted:
    """An object that says which special methods run, and fails in most of them."""

    def __init__(self, see):
        self.see = see

    def _fail(self, *_):
        self.see("a method of Counted runs")
        raise RuntimeError(SECRET)

    __str__ = __eq__ = __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = __hash__ = __format__ = _fail
    __bytes__ = __index__ = __call__ = __lt__ = __fspath__ = __reduce__ = __copy__ = __deepcopy__ = _fail

    def __repr__(self):
        return "<Counted>"


class TupleSubclass(tuple):
    def __new__(cls, first, second):
        return super().__new__(cls, (first, second))

    def __iter__(self):
        raise RuntimeError("iteration")


class DictSubclass(dict):
    def __init__(self, one, two):
        super().__init__({one: two})

    def items(self):
        raise RuntimeError("items")

    __iter__ = keys = values = __getitem__ = copy = items


class ListSubclass(list):
    def __init__(self, one, two):
        super().__init__([one, two])

    def __iter__(self):
        raise RuntimeError("iteration")


class StrSubclass(str):
    def replace(self, *_):
        raise RuntimeError("replace")

    __eq__ = __contains__ = __add__ = split = lower = casefold = encode = replace
    __hash__ = str.__hash__


class BytesSubclass(bytes):
    def __new__(cls, one, two):
        return super().__new__(cls, one + two)


def cyclic_list():
    cycle = [SECRET]
    cycle.append(cycle)
    return cycle


def cyclic_dict():
    cycle = {"key": SECRET}
    cycle["self"] = cycle
    return cycle


def deep_list():
    deep = [SECRET]
    for _ in range(200):
        deep = [deep]
    return deep


def lying_class():
    class Liar:
        __class__ = str

        def __repr__(self):
            return SECRET

    return Liar()


ARGUMENTS = {
    "tuple": lambda see: TupleSubclass(SECRET, 1),
    "dict": lambda see: DictSubclass("key", SECRET),
    "list": lambda see: ListSubclass(SECRET, 1),
    "str": lambda see: StrSubclass(SECRET),
    "bytes": lambda see: BytesSubclass(SECRET.encode(), b""),
    "cycle": lambda see: cyclic_list(),
    "cycle of dicts": lambda see: cyclic_dict(),
    "deep": lambda see: deep_list(),
    "liar": lambda see: lying_class(),
    "counted": Counted,
    "generator": lambda see: (SECRET for _ in "ab"),
    "set": lambda see: {SECRET},
    "bytearray": lambda see: bytearray(SECRET.encode()),
    "memoryview": lambda see: memoryview(SECRET.encode()),
    "class": lambda see: ReprRaisesError,
    "file": lambda see: io.StringIO(SECRET),
    "surrogate": lambda see: f"{SECRET}\udcff",
    "null": lambda see: f"{SECRET}\x00\x1b[31m\ufffe",
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_raises_with_an_odd_argument(name, see):
    argument = ARGUMENTS[name](see)
    raise ValueError(argument)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_keeps_an_odd_local(name, see):
    argument = ARGUMENTS[name](see)  # noqa: F841 - shown by --showlocals
    pytest.fail("local")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_keeps_an_odd_attribute(name, see):
    error = ValueError("attribute")
    error.attribute = ARGUMENTS[name](see)
    error.__notes__ = ["a note"]
    raise error


@pytest.mark.parametrize("kind", [ReprRaisesError, NoExceptionsError, OddExceptionsError, SlotsError])
def test_raises_an_odd_exception(kind):
    raise kind(SECRET)


def test_raises_an_exception_whose_attributes_raise():
    raise PropertyRaisesError(SECRET)


def test_compares_an_object_whose_attributes_raise():
    error = PropertyRaisesError(SECRET)
    assert error is None


def test_raises_an_exception_that_counts(see):
    raise CountedError(see)


def test_has_an_argument_that_raises_in_repr():
    raise ValueError(ReprRaisesError(SECRET))


@pytest.mark.parametrize("notes", [None, 7, [SECRET, 7], (SECRET,)], ids=["none", "number", "mixed", "tuple"])
def test_has_odd_notes(notes):
    error = ValueError(SECRET)
    error.__notes__ = notes
    raise error


def test_has_causes_in_a_circle():
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    raise first


def test_has_a_group_within_a_group():
    raise ExceptionGroup(SECRET, [ExceptionGroup(SECRET, [ValueError(SECRET), ReprRaisesError()]), KeyError(SECRET)])


def test_exits_early():
    raise SystemExit(SECRET)


def test_raises_no_exception_of_the_usual_kind():
    raise GeneratorExit(SECRET)


def test_leaves_an_exception_that_is_not_raised(capsys):
    class Broken:
        def __del__(self):
            raise ValueError(SECRET)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Broken()
        gc.collect()
