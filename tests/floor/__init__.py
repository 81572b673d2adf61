"""The floor: what a revision of the kit detects, recorded for the same inputs as another revision, and compared.

    python -m tests.floor collect --python PYTHON --documents FOLDER --out rows.jsonl
    python -m tests.floor compare base.jsonl new.jsonl
    python -m tests.floor run --base PYTHON --new PYTHON --documents FOLDER

PYTHON is the interpreter of a virtual environment with the wheel of a revision and the dependency group `watch`. Only
the kit comes from there, and only its public interface is used: commands, pytest runs, and public functions. Servers,
documents and test suites come from this checkout, so one checkout compares any two revisions.

`documents.tsv` lists the public documents: repository, commit, path and SHA-256. FOLDER has each of them under its
SHA-256. `python -m tests.floor documents --mirrors FOLDER --documents FOLDER` copies them from bare clones, each in the
folder `owner+name`.
"""
