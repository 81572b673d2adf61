"""What the target answered, with the credential that it was sent in it; each sink gets it under its own name."""

import json
import os
import urllib.request

_REQUEST = urllib.request.Request(
    os.environ["TARGET"], headers={"Authorization": f"Bearer {os.environ[os.environ['VARIABLE']]}"}
)
with urllib.request.urlopen(_REQUEST) as _response:
    SPELLED = json.load(_response)


def echoed(sink: str) -> str:
    return f"{sink} begins " + "".join(f"<{encoded}> " for encoded in SPELLED) + f"{sink} ends"
