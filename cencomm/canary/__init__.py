"""The canary: each minute the product sends a message to itself, in by the doors that officers take, and back out.

`place` is where it happens (an account that nobody can sign in to, a group of its own), `flight` one message on its
way, `record` what became of it. It proves what no counter can: that somebody who writes now is heard.
"""
