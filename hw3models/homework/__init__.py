"""The course homework, part by part, computed rather than asserted."""
