"""Code lists, units, check digits and place search: the words that every form, message and record share.

What lives here: data and pure functions over it, and one JSON endpoint for type-ahead. What must not: models,
knowledge of groups, forms or messages. Importing this package reads no data; each list is read at its first use.
"""
