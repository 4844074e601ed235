"""Planted faults, cheats and right implementations: the exam that the laws and the examiner sit."""
