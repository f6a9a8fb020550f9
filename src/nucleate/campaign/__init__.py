"""The closed loop: structures are proposed to a person, who tells later what was measured of them.

A study's folder holds all there is to it:

    study.toml               a copy of the settings
    loop.json                the study's name, kind of matter, model and objectives
    proposals/batch-001.json what was proposed, with all that is known of it
    proposals/batch-001.csv  the same for people, with empty columns to fill in
    proposals/batch-001/     the same in the field's own formats
    told/measurements.jsonl  what was told, one value a line; lines are only ever added
    told/rejected-1.csv      rows that could not be used, with the reason
    computed.json            values of computed objectives, kept to save work
    loop.journal             Optuna's study

The batches' JSON files and `measurements.jsonl` are what counts. Each is written at once or not at
all, before anything else is; Optuna's study follows from them (`trials`), and whatever is missing
of it, of tables or of structure files is made up for when the study is next opened. So a command
killed at any moment has either happened or not, and `rebuild` makes Optuna's study anew.

A batch is asked of a searcher that is built each time and told everything that is complete.
"""
