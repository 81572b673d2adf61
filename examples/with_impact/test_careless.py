from line import careless


def test_each_runtime_has_a_line(bctrl_client, bctrl_space_id):
    lines = careless(bctrl_client, bctrl_space_id)
    assert lines
    assert all(": " in line for line in lines)
