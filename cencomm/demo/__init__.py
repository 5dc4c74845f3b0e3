"""The invented operation that a newcomer finds: people, a script of three days, and how it is loaded.

Nothing here is true: no person, no consignment. Addresses end in `.invalid`, so that no mail can ever go out.
"""
