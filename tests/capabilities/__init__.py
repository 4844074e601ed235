"""What works, operation by operation and mode by mode, by hand and in torch: proofs, and the table they fill."""
