"""Settings of all stages: pydantic models, one file a stage."""
