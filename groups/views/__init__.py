"""The pages of groups. A view gates, parses, acts, answers; it decides nothing."""
