"""Hostile servers, files, contracts and texts: memory, time and output stay limited, and errors say why."""
