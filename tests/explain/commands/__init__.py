"""What the commands print and save, and a sentence for each mistake."""
