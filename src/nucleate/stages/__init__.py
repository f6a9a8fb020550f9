"""The verbs. Each takes settings and manifests and returns a manifest (`runs.run_stage`)."""
