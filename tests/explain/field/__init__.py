"""Receptive fields: intervals beside gradients."""
