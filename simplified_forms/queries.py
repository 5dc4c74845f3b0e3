"""Reads: which form is in force, and its description for page and API. No writes, no rules about bodies.

The exact shape of a description, and of the values of every field type, is in `simplified_forms.shapes`.
"""
