"""The pages of accounts. A view gates, parses, acts, answers; it decides nothing."""
