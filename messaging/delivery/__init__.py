"""Live delivery: one hub per process reads, opens and serialises each event once; every socket gets those bytes.

`reads` (database, in a small thread pool) → `hub` (which group has moved, who follows it) → `outbox` (one socket's
bounded queue). `session` speaks the protocol with one client; `messaging.live` puts it behind the origin check.
"""
