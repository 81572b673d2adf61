"""The target's response, which repeats the credential of the request in each encoding."""

import json
import os
import urllib.request

_REQUEST = urllib.request.Request(
    os.environ["TARGET"], headers={"Authorization": f"Bearer {os.environ[os.environ['VARIABLE']]}"}
)
with urllib.request.urlopen(_REQUEST) as _response:
    SPELLED = json.load(_response)


def echoed(sink: str) -> str:
    """Return the secret in each encoding, between marks with the name of the sink that shows it."""
    return f"{sink} begins " + "".join(f"<{encoded}> " for encoded in SPELLED) + f"{sink} ends"
