"""What all tests of this project share: real pytest runs through pytester."""

pytest_plugins = ["pytester"]
