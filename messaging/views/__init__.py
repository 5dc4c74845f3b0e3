"""The pages of messaging: console, seizure, situation. Reads only; what is written goes through the API."""
