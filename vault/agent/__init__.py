"""The key agent: a process of its own that alone can use the root key and the key store.

`server` answers over a Unix socket whom the kernel says it may answer, `client` asks as `KeyStore` would. What must
not live here: the databases, who may read which group (the application decides that, and the agent cannot).
"""
