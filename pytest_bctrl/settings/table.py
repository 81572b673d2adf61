"""The table of all settings: names, types and help texts. It imports the standard library alone, and little of it."""

from __future__ import annotations


class Setting:
    """A setting: its key in the configuration file, its option and variables, and the type that native TOML has for it.

    `ini` is the destination of the option too. Without a `metavar` there is no option. `flag` is the option where it
    is not named after `ini`, and `option_help` the help text of the option where it differs from that of the key.
    `default` describes the default value; `pytest-bctrl doctor` shows the settings that have one.
    """

    # Not a named tuple or a data class: creating either takes longer than all settings, at every start of pytest.
    __slots__ = ("default", "environment", "flag", "help", "ini", "metavar", "native", "option_help")

    def __init__(
        self,
        ini: str,
        help: str,  # noqa: A002 - as argparse names it
        metavar: str = "",
        environment: tuple[str, ...] = (),
        native: type = str,
        default: str = "",
        flag: str = "",
        option_help: str = "",
    ) -> None:
        self.ini = ini
        self.help = help
        self.metavar = metavar
        self.environment = environment
        self.native = native
        self.default = default
        self.flag = flag
        self.option_help = option_help

    @property
    def option(self) -> str:
        """The option as it is typed."""
        return self.flag or "--" + self.ini.replace("_", "-")

    @property
    def is_list(self) -> bool:
        """Whether the setting has several values: one per line of an ini file, and an option that can be repeated."""
        return self.native is list


SPACE_ID = Setting(
    "bctrl_space_id",
    "Id of the space, if the contract has a parameter for it; also BCTRL_SPACE_ID",
    metavar="ID",
    environment=("BCTRL_SPACE_ID",),
    default="not set",
)
BASE_URL = Setting(
    "bctrl_base_url",
    "Base URL of the live API (default: the contract's first server); also BCTRL_BASE_URL, BCTRL_API_BASE_URL",
    metavar="URL",
    environment=("BCTRL_BASE_URL", "BCTRL_API_BASE_URL"),
    default="the contract's first server",
)
CONTRACT = Setting(
    "bctrl_contract",
    "Contract to check against: an OpenAPI document, or 'published', the vendored spec without the overlay "
    "(default: contracts/ of the project, else the packaged contract)",
    metavar="PATH",
    default="contracts/ of the project, else the packaged one",
)
FAIL_ON_LEVEL = Setting(
    "bctrl_fail_on",
    "Lowest level that fails a contract test: error (default), warning, info, never",
    metavar="LEVEL",
    default="error",
)
MAX_EXAMPLES = Setting(
    "bctrl_max_examples",
    "Maximum number of values that the contract suite tries per path parameter (default: 20)",
    metavar="N",
    native=int,
    default="20",
)
UPSTREAM = Setting(
    "bctrl_upstream",
    "Page, file or URL of the document as it is published now, with which drift, contract update and live runs compare "
    "the contract; as an option, also mock runs",
    metavar="SOURCE",
    default="the URL in the contract's lock, if it has one",
)
PROBES = Setting(
    "bctrl_probes",
    "Requests of the contract suite: all (default), contract: only those that conform to the contract, derived: also "
    "wrong credentials that contain the key, which the mock and this machine always get",
)
BASELINE = Setting(
    "bctrl_baseline",
    "Baseline: findings that are accepted until a date (default: bctrl-baseline.yaml in the rootdir)",
    metavar="PATH",
)
MIN_COVERAGE = Setting(
    "bctrl_min_coverage",
    "Fail a run that covers less of the contract than this, 0 to 100",
    metavar="PERCENT",
    native=float,
)
RECORD_MODE = Setting(
    "bctrl_record_mode",
    "none (default): replay; once: record tests without a recording; rewrite: record all tests again",
    metavar="MODE",
    default="none",
)
RECORDINGS = Setting(
    "bctrl_recordings",
    "Folder of the recordings (default: recordings/ beside each test file)",
    metavar="DIR",
    default="recordings/ beside each test file",
)
RATE = Setting(
    "bctrl_rate",
    "Maximum rate of requests to the target, such as 30/m or 5/s (default: adapted to its responses)",
    metavar="RATE",
)
CLIENT_CERT = Setting(
    "bctrl_client_cert",
    "Client certificate with its key, PEM; also BCTRL_CLIENT_CERT",
    metavar="PATH",
    environment=("BCTRL_CLIENT_CERT",),
)
GITHUB = Setting(
    "bctrl_github",
    "auto (default): in GitHub Actions, annotations and a job summary of a contract run; off",
    metavar="MODE",
    native=bool,
)
IMPACT_MIN = Setting(
    "bctrl_impact_min",
    "Fail an impact run in which your tests detect less than this percentage of the violations",
    metavar="PERCENT",
    native=float,
)
IMPACT_BUDGET = Setting(
    "bctrl_impact_budget",
    "Maximum duration of an impact run, such as 60s or 5m; the changes with the highest level are run first",
    metavar="TIME",
)
IMPACT_SKIP = Setting(
    "bctrl_impact_skip",
    "Tests that an impact run does not repeat, one node id pattern per line, such as tests/test_database.py",
    native=list,
)
_REPORT_HELP = "Write a report of the contract run in the format of the suffix: .html, .json, .md, .sarif, .xml"
REPORT = Setting(
    "bctrl_report",
    f"{_REPORT_HELP}; one path per line",
    metavar="PATH",
    native=list,
    option_help=f"{_REPORT_HELP}; repeatable",
)
HEADERS = Setting(
    "bctrl_headers",
    "NAME: VALUE for every request to the key's origin, one per line; $VARIABLE is a secret of the environment",
    metavar="HEADER",
    native=list,
    flag="--bctrl-header",
    option_help="'NAME: VALUE' for every request to the key's origin, $VARIABLE is a secret of the environment; "
    "repeatable",
)
LEVELS = Setting(
    "bctrl_levels", "Levels of findings, one per line: rule = level, or rule@location = level", native=list
)
KEY_PREFIX = Setting(
    "bctrl_key_prefix",
    "Word in front of the API key in its header field, such as Token in 'Authorization: Token KEY'",
)
SECURITY = Setting(
    "bctrl_security",
    "Security schemes of the contract to use where an operation accepts several, one per line, the first one first; "
    "BCTRL_API_KEY is the value of the first",
    native=list,
)
CREDENTIALS = Setting(
    "bctrl_credentials",
    "Values of further security schemes, one per line: scheme = $VARIABLE; user and password are $USER:$PASSWORD",
    native=list,
)
VALUES = Setting(
    "bctrl_values",
    "Real values of parameters, one per line: parameter = value, operationId.parameter = value, or "
    "METHOD /path parameter = value; a value may be $VARIABLE",
    native=list,
)
OPTIONAL = Setting(
    "bctrl_optional",
    "Operations that need not be checked, one operationId or METHOD /path pattern per line",
    native=list,
)
HTTP_HOSTS = Setting(
    "bctrl_http_hosts", "Hosts besides this machine to which plain http is allowed, one per line", native=list
)
SECRETS = Setting(
    "bctrl_secrets",
    "Values to redact from all output and recordings, one per line; $NAME is the value of a variable",
    native=list,
)
WATCH = Setting(
    "bctrl_watch",
    "true: check every request and response of the project's own tests that is part of the contract",
    native=bool,
)
WATCH_HOSTS = Setting(
    "bctrl_watch_hosts",
    "Hosts besides the contract's servers whose exchanges --bctrl-watch checks, one per line, with or without port",
    native=list,
)
SCRUB = Setting("bctrl_scrub", "ids: replace identifiers in recordings, each one consistently")

SETTINGS = tuple(setting for setting in list(globals().values()) if isinstance(setting, Setting))

RECORD_MODES = ("none", "once", "rewrite")
