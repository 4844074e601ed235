"""The one place that looks at what came: below it shapes are trusted.

Every error is the running torch's for the same call, and a hint behind it: see `refusal`.
"""
