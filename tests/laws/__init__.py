"""The laws, run on ours."""
