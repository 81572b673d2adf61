"""What a project uses through pytest: the values of the fixtures, and the hooks that it may implement."""
