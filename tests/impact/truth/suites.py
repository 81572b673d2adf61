"""Twenty test suites in different styles, which read the API with a fixture `api` and a function `fetch`."""

from __future__ import annotations

_HEAD = """
import json, re, urllib.request
from dataclasses import dataclass
import httpx, pytest

PATH = "/v1/spaces/{}/runtimes"


@pytest.fixture
def api(bctrl_client, bctrl_space_id):
    return bctrl_client, PATH.format(bctrl_space_id)


def fetch(api):
    client, path = api
    response = client.get(path)
    response.raise_for_status()
    return response.json()["runtimes"]

"""

_BODIES: dict[str, str] = {
    "index": '''
FIELDS = ("id", "name", "status", "region", "createdAt", "updatedAt", "kind", "spaceId")

@pytest.mark.parametrize("field", FIELDS)
def test_field(api, field):
    assert all(isinstance(one[field], str) for one in fetch(api))
''',
    "tolerant": '''
@pytest.mark.parametrize("field", ["name", "region", "labels"])
def test_field(api, field):
    assert all(str(one.get(field) or "none") for one in fetch(api))
def test_list(api):
    client, path = api
    assert isinstance(client.get(path).json().get("runtimes", []), list)
''',
    "labels": '''
LABELS = {"starting": 1, "idle": 2, "active": 3, "stopped": 4, "failed": 5}
def test_label(api):
    assert all(LABELS[one["status"]] for one in fetch(api))
def test_default(api):
    assert all(LABELS.get(one["status"], 9) for one in fetch(api))
def test_failed(api):
    assert any(one["status"] == "failed" for one in fetch(api))
''',
    "dataclass": '''
@dataclass
class Runtime:
    id: str
    name: str
    region: str = "none"
def test_model(api):
    models = [Runtime(one["id"], one["name"].upper(), one.get("region", "none")) for one in fetch(api)]
    assert models
@dataclass
class Strict:
    id: str; name: str; kind: str; type: str; status: str; region: str; createdAt: str; updatedAt: str; spaceId: str
    activeRunId: object; capabilities: list; connections: dict; metadata: object
    summary: object = None; backing: object = None
def test_strict(api):
    assert [Strict(**one) for one in fetch(api)]
''',
    "keys": '''
KNOWN = {"id", "spaceId", "name", "kind", "type", "status", "region", "createdAt", "updatedAt", "activeRunId"}
KNOWN |= {"capabilities", "connections", "metadata", "backing", "summary"}
def test_no_others(api):
    assert all(set(one) <= KNOWN for one in fetch(api))
def test_required(api):
    assert all({"id", "region", "metadata"} <= one.keys() for one in fetch(api))
def test_count(api):
    assert len(fetch(api)) == 8
''',
    "own_data": '''
def failed(items):
    return [one["name"] for one in items if one["status"] == "failed"]
@pytest.fixture
def two(bctrl_mock, api):
    first = bctrl_mock.runtimes[0]
    second = bctrl_mock.runtimes[1]
    bctrl_mock.runtimes = [{**first, "name": "a", "status": "failed"}, {**second, "name": "b", "status": "stopped"}]
    return fetch(api)
def test_failed(two):
    assert failed(two) == ["a"]
def test_names(two):
    assert [one["name"] for one in two] == ["a", "b"]
def test_number(two):
    assert len(two) == 2
def test_tolerant(two):
    assert all(isinstance(one, dict) for one in two)
''',
    "snapshot": '''
@pytest.fixture
def stable(bctrl_mock, api):
    bctrl_mock.runtimes = bctrl_mock.runtimes[:1]
    return api
def test_whole(stable, bctrl_mock):
    before = json.dumps(bctrl_mock.runtimes, sort_keys=True)
    assert json.dumps(fetch(stable), sort_keys=True) == before
def test_part(stable, bctrl_mock):
    expected = [{"id": one["id"], "kind": one["kind"]} for one in bctrl_mock.runtimes]
    assert [{"id": one["id"], "kind": one["kind"]} for one in fetch(stable)] == expected
''',
    "text": '''
def test_text(api):
    client, path = api
    assert re.search('"status": ?"[a-z]+"', client.get(path).text)
def test_region_in_text(api):
    client, path = api
    assert '"region"' in client.get(path).text
def test_no_errors(api):
    client, path = api
    assert "errored" not in client.get(path).text
''',
    "hook": '''
def test_hook(api):
    client, path = api
    seen = []
    json.loads(client.get(path).content, object_hook=lambda data: seen.append(sorted(data)) or data)
    assert any("createdAt" in names for names in seen)
def test_floats(api):
    client, path = api
    assert json.loads(client.get(path).content, parse_float=str)["runtimes"][0]["name"]
''',
    "urllib": '''
def test_names(bctrl_base_url, bctrl_api_key, bctrl_space_id, bctrl_client):
    request = urllib.request.Request(str(bctrl_client.base_url).rstrip("/") + PATH.format(bctrl_space_id))
    request.add_header("Authorization", f"Bearer {bctrl_api_key.reveal()}")
    with urllib.request.urlopen(request) as response:
        assert all(one["name"] for one in json.load(response)["runtimes"])
''',
    "skips": '''
def test_status(api):
    client, path = api
    response = client.get(path)
    if response.status_code != 200:
        pytest.skip("not available")
    assert response.json()["runtimes"]
def test_regions(api):
    for one in fetch(api):
        if "region" not in one:
            pytest.skip("no region")
        assert one["region"] != ""
''',
    "catching": '''
def test_created(api):
    try:
        assert all(one["createdAt"][:4] == "2026" for one in fetch(api))
    except KeyError:
        pass
def test_http(api):
    try:
        fetch(api)
    except httpx.HTTPStatusError:
        pass
''',
    "nested": '''
def test_connections(api):
    for one in fetch(api):
        for name, connection in one["connections"].items():
            assert connection["available"] in (True, False)
def test_backing(api):
    kinds = {"ephemeral": 1, "profile": 2}
    assert all(kinds[one["backing"]["kind"]] for one in fetch(api) if "backing" in one)
def test_capabilities(api):
    assert all(name.strip() for one in fetch(api) for name in one["capabilities"])
''',
    "class": '''
class TestRuntimes:
    @pytest.fixture(autouse=True)
    def runtimes(self, api):
        self.runtimes = fetch(api)
    def test_ids(self):
        assert len({one["id"] for one in self.runtimes}) == len(self.runtimes)
    def test_kinds(self):
        assert {one["kind"] for one in self.runtimes} <= {"browser", "desktop", "spreadsheet"}
    def test_types(self):
        assert all(one["type"] == one["kind"] for one in self.runtimes)
''',
    "headers": '''
def test_content_type(api):
    client, path = api
    response = client.get(path)
    assert response.headers["content-type"] == "application/json"
def test_json_family(api):
    client, path = api
    assert "json" in client.get(path).headers["content-type"]
def test_status(api):
    client, path = api
    assert client.get(path).status_code == 200
def test_success(api):
    client, path = api
    assert client.get(path).is_success
''',
    "times": '''
from datetime import datetime
def test_parse(api):
    assert all(datetime.fromisoformat(one["createdAt"].replace("Z", "+00:00")) for one in fetch(api))
def test_order(api):
    assert all(one["updatedAt"] >= one["createdAt"] for one in fetch(api))
''',
    "match": '''
def word(one):
    match one:
        case {"status": "failed" | "stopped", "name": str(name)}:
            return f"{name} is off"
        case {"status": "starting" | "idle" | "active"}:
            return "on"
    raise ValueError(one)
def test_words(api):
    assert [word(one) for one in fetch(api)]
def test_walrus(api):
    assert [name for one in fetch(api) if (name := one.get("name"))]
''',
    "search": '''
def test_first(api):
    assert next(one for one in fetch(api) if one["status"] == "active")["id"]
def test_sorted(api):
    assert sorted(one["name"] for one in fetch(api))
def test_grouped(api):
    by_region = {}
    for one in fetch(api):
        by_region.setdefault(one["region"], []).append(one)
    assert by_region
def test_copy(api):
    import copy
    assert copy.deepcopy(fetch(api)) is not None
''',
    "checks": '''
from pytest_bctrl import assert_conforms, check
def test_conforms(api):
    client, path = api
    assert_conforms(client.get(path))
def test_enum(api):
    client, path = api
    response = client.get(path)
    assert response.json() and not [f for f in check(response) if f.level == "error" and "status" in f.location]
''',
    "pages": '''
def all_items(api):
    client, path = api
    items, cursor = [], ""
    for _ in range(9):
        body = client.get(path, params={"cursor": cursor} if cursor else {}).json()
        items += body["runtimes"]
        cursor = body.get("nextCursor")
        if not cursor:
            break
    return items
def test_all(api):
    assert len(all_items(api)) == 8
def test_some(api):
    assert all_items(api)
''',
}  # fmt: skip

SUITES = {name: _HEAD + body for name, body in _BODIES.items()}
