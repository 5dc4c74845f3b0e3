"""Seizures from a file of another system into a group and on into CEN, row by row, with nothing lost.

A mapping file (`exports/mappings/`) says what each column means; rows go the ordinary ways (`post_messages`, status
moves, review, transfer) and what does not is listed with its reason. What must not live here: a way around them.
"""
